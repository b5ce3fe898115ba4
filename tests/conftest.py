"""Fixtures for all tests: the plugin's ``maco_lab`` in the words of ours, and labs made from a changed lab file."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from certs.cast import Cast
from maco_lab.background import BackgroundLoop, background_loop
from maco_lab.testing.lab import Lab
from tests.lab_under_test import Change, LabUnderTest, lab_under_test

StartLab = Callable[..., LabUnderTest]


@pytest.fixture(scope="session")
def loop() -> BackgroundLoop:
    """The process's one loop: Twisted's reactor is bound to it for life."""
    return background_loop()


@pytest.fixture
def start_lab(loop: BackgroundLoop, tmp_path: Path, maco_lab_authority: Cast) -> Iterator[StartLab]:
    """Start a lab from the default file, after a change; every mailbox holds one mail unless told otherwise."""
    with contextlib.ExitStack() as labs:

        def start(change: Change = lambda _: None, *, seed: bool = True) -> LabUnderTest:
            folder = tmp_path / f"lab{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            lab = labs.enter_context(lab_under_test(loop, folder, change, maco_lab_authority))
            if seed:
                lab.seed()
            return lab

        yield start


@pytest.fixture
def lab(loop: BackgroundLoop, maco_lab: Lab) -> LabUnderTest:
    """The default lab, running, with one unread mail in every mailbox."""
    lab = LabUnderTest(loop, maco_lab.running)
    lab.seed()
    return lab
