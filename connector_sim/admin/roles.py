"""Who may do what: the six roles of the Cloud Connector (SAP, "Cloud Connector REST APIs"). Pure."""

from __future__ import annotations

import enum


class Role(enum.StrEnum):
    """A role by the name that the product gives to it."""

    ADMINISTRATOR = "sccadmin"
    ASSOCIATE = "sccassocadmin"
    SUBACCOUNT = "sccsubadmin"
    SUPPORT = "sccsupport"
    DISPLAY = "sccdisplay"
    MONITORING = "sccmonitoring"


READ = frozenset(Role)
"""Whoever may sign in."""
WRITE = frozenset({Role.ADMINISTRATOR, Role.ASSOCIATE, Role.SUBACCOUNT})
CONNECTOR = frozenset({Role.ADMINISTRATOR, Role.ASSOCIATE})
"""What concerns the whole connector."""
ADMINISTRATOR = frozenset({Role.ADMINISTRATOR})
LOGS = frozenset({Role.ADMINISTRATOR, Role.SUPPORT})
MONITORING = frozenset({Role.ADMINISTRATOR, Role.MONITORING})
