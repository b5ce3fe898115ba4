"""Every endpoint that is served, from the tables of the families."""

from __future__ import annotations

from connector_sim.admin import (
    authentication,
    connector,
    monitoring,
    subaccounts,
    system_mappings,
    trust_store,
    version,
)
from connector_sim.admin.endpoint import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (
    *version.ENDPOINTS,
    *connector.ENDPOINTS,
    *authentication.ENDPOINTS,
    *subaccounts.ENDPOINTS,
    *system_mappings.ENDPOINTS,
    *trust_store.ENDPOINTS,
    *monitoring.ENDPOINTS,
)
