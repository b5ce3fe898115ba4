"""One mail server for all programs, as new for each test, and the scans that run beside them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.alone.scanning import Scan, start_scans
from tests.real.alone.server import AloneServer, server_alone

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests in one worker: the server and the scans are made once."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.xdist_group("alone"))


@pytest.fixture(scope="session")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Scan]]:
    """Start the scans of testssl.sh on a server of their own: they wait more than they work."""
    folder = tmp_path_factory.mktemp("scanned")
    with server_alone(folder) as server, contextlib.ExitStack() as stack:
        yield start_scans(server, folder, stack)


@pytest.fixture(scope="session")
def server_of_the_session(tmp_path_factory: pytest.TempPathFactory, scans: dict[str, Scan]) -> Iterator[AloneServer]:
    """Run one server beside the scans, which begin first."""
    with server_alone(tmp_path_factory.mktemp("alone")) as server:
        yield server


@pytest.fixture
def alone(server_of_the_session: AloneServer) -> AloneServer:
    """Return the server with empty mailboxes."""
    server_of_the_session.reset()
    return server_of_the_session
