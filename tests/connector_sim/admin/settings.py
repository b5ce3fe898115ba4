"""The lab of the administration's tests: a second subaccount to add, cloud users, and a user for each role."""

from __future__ import annotations

from typing import Any

import pytest

from connector_sim.admin.roles import Role

REGION = "lab.example"
CONFIGURED, TO_ADD, UNKNOWN = "stadtwerke", "netzbetreiber", "nowhere"
SUBACCOUNTS = "/api/v1/configuration/subaccounts"
OWN = f"{SUBACCOUNTS}/{REGION}/{CONFIGURED}"
MAPPINGS = f"{OWN}/systemMappings"

CLOUD_USER, CLOUD_PASSWORD = "admin@stadtwerke.example", "Cloud4711Admin"
OTHER_CLOUD_USER = "other@stadtwerke.example"
"""One who may administer ``CONFIGURED`` alone."""

NEW = {"regionHost": REGION, "subaccount": TO_ADD, "cloudUser": CLOUD_USER, "cloudPassword": CLOUD_PASSWORD}

NEW_MAPPING = {
    "virtualHost": "new.virtual",
    "virtualPort": "143",
    "localHost": "mail.stadtwerke.example",
    "localPort": "143",
    "protocol": "TCP",
    "backendType": "nonSAPsys",
}
"""A mapping of a virtual host that there is not yet, to the lab's mail server."""


def administered(data: dict[str, Any]) -> None:
    """Change the default lab."""
    data["subaccounts"].append(TO_ADD)
    data["cloud"]["clients"].append({"client_id": "other", "client_secret": "secret-of-other", "subaccount": TO_ADD})
    other = {"user": OTHER_CLOUD_USER, "password": "Cloud4711Other", "subaccounts": [CONFIGURED]}
    data["cloud"]["users"].append(other)
    users = [{"user": role.value, "password": "secret", "roles": [role.value]} for role in Role]
    users.append({"user": "both", "password": "secret", "roles": [Role.SUPPORT.value, Role.MONITORING.value]})
    data["cloud_connectors"][0]["administration"]["users"] = users


LAB = pytest.mark.maco_lab(change=administered)
