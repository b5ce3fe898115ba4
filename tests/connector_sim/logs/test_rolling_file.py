"""Trace files: bounded, numbered, and only so many."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from connector_sim.logs import rolling_file
from connector_sim.logs.rolling_file import DAY_S, RollingFile


def rolling(folder: Path, most_bytes: int = 100, keep_days: int = 0) -> RollingFile:
    return RollingFile(
        folder / "scc_core.trc",
        most_bytes=lambda: most_bytes,
        keep_days=lambda: keep_days,
        tell_lost=lambda count: b"%d were lost\n" % count,
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_lines_go_into_one_file_until_it_is_full(tmp_path: Path) -> None:
    log = rolling(tmp_path, 10)
    log.write([b"aaaa\n", b"bbbb\n", b"cccc\n"], 0)
    log.sync()
    log.write([b"dddd\n", b"eeee\n"], 0)
    log.sync()

    assert contents(tmp_path) == {
        "scc_core.1.trc": b"cccc\ndddd\n",
        "scc_core.2.trc": b"aaaa\nbbbb\n",
        "scc_core.trc": b"eeee\n",
    }


def test_a_line_larger_than_a_file_has_one_of_its_own(tmp_path: Path) -> None:
    log = rolling(tmp_path, 10)
    log.write([b"a\n", b"x" * 50 + b"\n", b"b\n"], 0)

    assert [len(each) for each in contents(tmp_path).values()] == [51, 2, 2]


def test_only_so_many_files_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolling_file, "MOST_FILES", 3)
    log = rolling(tmp_path, 2)
    log.write([b"%d\n" % number for number in range(9)], 0)

    assert contents(tmp_path) == {"scc_core.1.trc": b"7\n", "scc_core.2.trc": b"6\n", "scc_core.trc": b"8\n"}


def test_full_files_that_are_too_old_go(tmp_path: Path) -> None:
    log = rolling(tmp_path, 2, keep_days=14)
    log.write([b"1\n", b"2\n", b"3\n"], 0)
    log.sync()
    old = time.time() - 15 * DAY_S
    os.utime(tmp_path / "scc_core.2.trc", (old, old))
    log.write([b"4\n"], 0)

    assert contents(tmp_path) == {"scc_core.1.trc": b"3\n", "scc_core.2.trc": b"2\n", "scc_core.trc": b"4\n"}


def test_what_was_lost_is_told_in_the_file(tmp_path: Path) -> None:
    log = rolling(tmp_path)
    log.write([b"next\n"], 3)

    assert contents(tmp_path) == {"scc_core.trc": b"3 were lost\nnext\n"}
    assert (tmp_path / "scc_core.trc").stat().st_mode & 0o777 == 0o600
