"""Every endpoint that is served, from the tables of the families."""

from __future__ import annotations

from connector_sim.admin import (
    authentication,
    connector,
    ha,
    monitoring,
    own_certificates,
    stored,
    stored_lists,
    subaccounts,
    system_mappings,
    trust_store,
    version,
    watched_certificates,
)
from connector_sim.admin.endpoint import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (
    *version.ENDPOINTS,
    *connector.ENDPOINTS,
    *authentication.ENDPOINTS,
    *ha.ENDPOINTS,
    *subaccounts.ENDPOINTS,
    *system_mappings.ENDPOINTS,
    *trust_store.ENDPOINTS,
    *own_certificates.ENDPOINTS,
    *stored.ENDPOINTS,
    *stored_lists.ENDPOINTS,
    *monitoring.ENDPOINTS,
    *watched_certificates.ENDPOINTS,
)
