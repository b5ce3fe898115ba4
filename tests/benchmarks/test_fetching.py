"""The benchmark of fetching: its table, and a small run of it at a real Dovecot."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.fetching.chain import running_chain
from benchmarks.fetching.cli import MOST_FOR_MANY_MIB, Row, _table
from benchmarks.fetching.contestants import maco, mbsync, warm_up
from benchmarks.fetching.measuring import MIB, added_memory
from tests.programs import require_program
from tests.real.dovecot import require_dovecot


def test_the_table_has_median_spread_and_verdict() -> None:
    rows = [Row("rate", "mails/s", [900, 1_000, 1_200]), Row("ratio", "x", [0.5], "at least 0.7", False)]
    assert _table(rows).splitlines()[2:] == [
        "| rate | mails/s | 1,000 | 900 to 1,200 |  |  |",
        "| ratio | x | 0.50 |  | at least 0.7 | missed |",
    ]


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("way", ["A", "B"])
def test_both_fetch_every_mail_by_each_way(tmp_path: Path, way: str) -> None:
    require_dovecot()
    require_program("mbsync")
    with running_chain(tmp_path, {"user": (20, 10_000)}) as chain:
        warm_up(chain, "user")
        assert mbsync(chain, way, "user", tmp_path, 20) > 0
        assert maco(chain, way, "user", tmp_path, 20) > 0


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(180)
def test_memory_is_bounded_for_large_mails_and_flat_for_large_mailboxes(tmp_path: Path) -> None:
    require_dovecot()
    mailboxes = {"warm": (1, 500), "large": (1, 50 * MIB), "many": (2_000, 500), "all": (2_000, 500)}
    with running_chain(tmp_path, mailboxes) as chain:
        assert added_memory(chain, "warm", "large", tmp_path) < 80
        assert added_memory(chain, "warm", "many", tmp_path, max_messages_per_poll=100) < 20
        assert added_memory(chain, "warm", "all", tmp_path) < MOST_FOR_MANY_MIB
