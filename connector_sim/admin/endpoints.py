"""Every endpoint that is served, from the tables of the families."""

from __future__ import annotations

from connector_sim.admin import (
    alerting,
    authentication,
    backup,
    checks,
    connector,
    ha,
    hardware,
    logs,
    monitoring,
    own_certificates,
    service_channels,
    stored,
    stored_lists,
    subaccounts,
    subject_pattern_rules,
    system_mappings,
    trust_store,
    version,
    watched_certificates,
)
from connector_sim.admin.endpoint import Endpoint
from connector_sim.admin.openapi import with_description

_SERVED: tuple[Endpoint, ...] = (
    *version.ENDPOINTS,
    *connector.ENDPOINTS,
    *authentication.ENDPOINTS,
    *ha.ENDPOINTS,
    *subaccounts.ENDPOINTS,
    *system_mappings.ENDPOINTS,
    *checks.ENDPOINTS,
    *logs.ENDPOINTS,
    *trust_store.ENDPOINTS,
    *own_certificates.ENDPOINTS,
    *stored.ENDPOINTS,
    *stored_lists.ENDPOINTS,
    *service_channels.ENDPOINTS,
    *subject_pattern_rules.ENDPOINTS,
    *alerting.ENDPOINTS,
    *monitoring.ENDPOINTS,
    *hardware.ENDPOINTS,
    *watched_certificates.ENDPOINTS,
    *backup.ENDPOINTS,
)

ENDPOINTS = with_description(_SERVED)
