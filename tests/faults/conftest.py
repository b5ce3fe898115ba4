"""What holds for every fault test: whatever a peer does is no defect of ours, so nothing is logged as one."""

from __future__ import annotations

import logging
import resource
from collections.abc import Iterator

import pytest

DESCRIPTORS_NEEDED = 12_000
"""2,000 streams have four sockets each, client and back end in this process."""


@pytest.fixture(autouse=True)
def no_defect_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    defects = [each for each in caplog.get_records("call") if each.levelno >= logging.ERROR]
    assert not defects, [each.getMessage() for each in defects]


@pytest.fixture(scope="session")
def many_descriptors() -> Iterator[None]:
    """Allow as many descriptors as 2,000 streams need; most systems start a process with fewer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < DESCRIPTORS_NEEDED:
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS_NEEDED, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
