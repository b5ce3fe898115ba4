"""A running mail server with its API, and a plain HTTP client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from maco_http.loopback import LoopbackSocket
from mailserver_sim.api.server import served
from tests.maco_lab.page.client import PageClient
from tests.mailserver_sim.running import LoopThread, RunningServer


@pytest.fixture
def api(server: RunningServer, loop_thread: LoopThread) -> Iterator[PageClient]:
    """Serve the server's API while the test runs."""
    taken = LoopbackSocket(0)
    with loop_thread.background.enter(served(server.server, taken.socket)):
        yield PageClient(taken.address)
