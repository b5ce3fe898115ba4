"""A client of the administration of the running lab."""

from __future__ import annotations

import pytest

from maco_lab.testing.lab import Lab
from tests.connector_sim.admin.client import AdminClient


@pytest.fixture
def admin(maco_lab: Lab) -> AdminClient:
    """Return a client that signs in as Administrator."""
    return AdminClient(maco_lab.cloud_connector.administration_url)
