from __future__ import annotations

import logging

import pytest

from maco_net.seldom_log import SAME_TROUBLE_S, SeldomLog

_log = logging.getLogger(__name__)


class _Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_same_trouble_is_written_once(caplog: pytest.LogCaptureFixture) -> None:
    seldom = SeldomLog(_log, _Clock())
    for _ in range(100):
        seldom.warning("full")
    assert [each.getMessage() for each in caplog.records] == ["full"]


def test_the_same_trouble_is_written_again_a_minute_later(caplog: pytest.LogCaptureFixture) -> None:
    clock = _Clock()
    seldom = SeldomLog(_log, clock)
    for now in (1000.0, 1000.0 + SAME_TROUBLE_S - 1, 1000.0 + SAME_TROUBLE_S):
        clock.now = now
        seldom.warning("full")
    assert len(caplog.records) == 2


def test_another_trouble_is_written_at_once(caplog: pytest.LogCaptureFixture) -> None:
    seldom = SeldomLog(_log, _Clock())
    seldom.warning("full")
    seldom.warning("100 % empty")
    assert [each.getMessage() for each in caplog.records] == ["full", "100 % empty"]
