from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from certs.cast import Cast
from tests.mailserver_sim.running import LoopThread, RunningServer, make_cast

StartServer: TypeAlias = Callable[..., RunningServer]


@pytest.fixture(scope="session")
def loop_thread() -> LoopThread:
    return LoopThread()


@pytest.fixture(scope="session")
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def start_server(loop_thread: LoopThread, cast: Cast, tmp_path: Path) -> Iterator[StartServer]:
    """Start a mail server with some settings changed; it is stopped at the end of the test."""
    running: list[RunningServer] = []

    def start(**changes: Any) -> RunningServer:
        running.append(RunningServer(loop_thread, cast, tmp_path, **changes))
        return running[-1]

    yield start
    for each in running:
        each.stop()


@pytest.fixture
def server(start_server: StartServer) -> RunningServer:
    return start_server()
