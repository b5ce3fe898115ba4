"""Fixtures for all tests: one background loop, and labs on it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from maco_lab.background import BackgroundLoop, background_loop
from tests.lab_under_test import Change, LabUnderTest, lab_under_test

StartLab = Callable[..., LabUnderTest]


@pytest.fixture(scope="session")
def loop() -> BackgroundLoop:
    """The process's one loop: Twisted's reactor is bound to it for life."""
    return background_loop()


@pytest.fixture
def start_lab(loop: BackgroundLoop, tmp_path: Path) -> Iterator[StartLab]:
    """Start a lab from the default file, after a change; every mailbox holds one mail unless told otherwise."""
    with contextlib.ExitStack() as labs:

        def start(change: Change = lambda _: None, *, seed: bool = True) -> LabUnderTest:
            folder = tmp_path / f"lab{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            lab = labs.enter_context(lab_under_test(loop, folder, change))
            if seed:
                lab.seed()
            return lab

        yield start


@pytest.fixture
def lab(start_lab: Callable[[], LabUnderTest]) -> LabUnderTest:
    """The default lab, running, with one unread mail in every mailbox."""
    return start_lab()


def pytest_unconfigure() -> None:
    """Close the descriptor that Twisted keeps in reserve: it would be reported as leaked when the interpreter ends."""
    tcp = sys.modules.get("twisted.internet.tcp")
    if tcp is not None and tcp._reservedFD.available():
        tcp._reservedFD.__enter__()
