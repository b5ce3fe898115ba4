"""Fixtures of the failure matrix: the row that a test gives, and mail servers that do what a script says."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from maco_lab.background import BackgroundLoop
from tests.failures.collector import COLLECTOR
from tests.failures.matrix import Matrix
from tests.failures.scripted import ScriptedMailServer
from tests.maco_client.scripted_server import running


@pytest.fixture
def matrix(request: pytest.FixtureRequest) -> Iterator[Matrix]:
    """Take the test's one row."""
    holder = request.config.pluginmanager.get_plugin(COLLECTOR)
    matrix = Matrix(request.node.nodeid, holder.collector if holder else None)
    yield matrix
    assert matrix.given is not None or request.node.stash.get(FAILED, False), "the test gave no row"


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Remember that a test failed, so that the missing row is not told as well."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.when == "call":
        item.stash[FAILED] = not report.passed


@pytest.fixture
def mail_server(loop: BackgroundLoop) -> Iterator[Callable[[], ScriptedMailServer]]:
    """Start scripted mail servers on free ports."""
    with contextlib.ExitStack() as servers:

        def start() -> ScriptedMailServer:
            server = ScriptedMailServer()
            servers.enter_context(loop.enter(running(server)))
            return server

        yield start
