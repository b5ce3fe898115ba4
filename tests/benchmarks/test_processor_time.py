"""CPU time and memory of process families, as proc(5) describes the files."""

from __future__ import annotations

import os

import pytest

from benchmarks.relay.processor_time import (
    TICKS_PER_S,
    ProcessStat,
    cpu_seconds,
    family,
    parse_machine,
    parse_resident,
    parse_stat,
    read_stats,
    resident_bytes,
)

# proc(5): (3) state, (4) ppid, (5) pgrp ... (14) utime, (15) stime, (16) cutime, (17) cstime
STAT = "4711 ({name}) S 17 4711 4711 0 -1 4194560 1 2 3 4 100 20 3 4 20 0 1 0 55 1000 200 18446744073709551615"


@pytest.mark.parametrize("name", ["nginx", "nginx: worker", "a) R 1 (b"])
def test_the_name_of_a_process_may_be_anything(name: str) -> None:
    assert parse_stat(STAT.format(name=name)) == ProcessStat(4711, 17, 127 / TICKS_PER_S)


def test_a_zombie_has_ended() -> None:
    assert parse_stat(STAT.format(name="nginx").replace(" S ", " Z ")).has_ended


def test_the_machine_works_while_it_neither_idles_nor_waits() -> None:
    # proc(5): user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice
    assert parse_machine("cpu  10 20 30 4000 5000 60 70 8000 0 0\ncpu0 1 1") == 190 / TICKS_PER_S


def test_resident_memory_is_read_in_bytes() -> None:
    assert parse_resident("Name:\tnginx\nVmPeak:\t  99 kB\nVmRSS:\t   12 kB\n") == 12 * 1024


def test_a_process_that_has_ended_has_no_memory() -> None:
    assert parse_resident("Name:\tnginx\nState:\tZ (zombie)\n") == 0


def test_a_family_is_the_roots_and_all_below_them() -> None:
    stats = {pid: ProcessStat(pid, parent, 0.0) for pid, parent in ((1, 0), (2, 1), (3, 2), (4, 3), (5, 1), (6, 5))}

    assert {stat.pid for stat in family([2, 6], stats)} == {2, 3, 4, 6}


def test_a_root_that_has_ended_has_no_family() -> None:
    assert family([7], {1: ProcessStat(1, 0, 0.0)}) == []


def test_this_process_is_among_those_that_run() -> None:
    assert read_stats()[os.getpid()].parent == os.getppid()


def test_this_process_has_used_time_and_memory() -> None:
    assert cpu_seconds([os.getpid()]) > 0
    assert resident_bytes([os.getpid()]) > 1 << 20
