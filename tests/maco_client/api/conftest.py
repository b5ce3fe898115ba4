"""MaCo's API in a running lab, and a plain HTTP client."""

from __future__ import annotations

import pytest

from maco_lab.testing.lab import Lab
from tests.maco_lab.page.client import PageClient


@pytest.fixture
def api(maco_lab: Lab) -> PageClient:
    address = maco_lab.running.maco_api
    assert address is not None
    return PageClient(address)
