"""A running lab with its page, and a plain HTTP client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from maco_lab.page.serving import PageSocket
from maco_lab.testing.lab import Lab
from tests.maco_lab.page.client import PageClient


@pytest.fixture
def page(maco_lab: Lab) -> Iterator[PageClient]:
    """Serve the lab's page while the test runs."""
    taken = PageSocket(0)
    with maco_lab.thread.loop.enter(taken.served_now(maco_lab.running)):
        yield PageClient(taken.address)
