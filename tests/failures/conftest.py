"""Fixtures of the failure matrix: the row that a test gives, and mail servers that do what a script says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from maco_lab.testing.lab import Lab
from tests.failures.collector import COLLECTOR
from tests.failures.matrix import Matrix
from tests.failures.scripted import ScriptedMailServer
from tests.maco_client.scripted_server import running


@pytest.fixture
def matrix(request: pytest.FixtureRequest, maco_lab: Lab, mail_waits: None) -> Iterator[Matrix]:
    """Take the test's one row."""
    holder = request.config.pluginmanager.get_plugin(COLLECTOR)
    matrix = Matrix(request.node.nodeid, maco_lab, holder.collector if holder else None)
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
def server(maco_lab: Lab) -> Iterator[ScriptedMailServer]:
    """Run a scripted mail server on a free port."""
    server = ScriptedMailServer()
    with maco_lab.thread.loop.enter(running(server)):
        yield server
