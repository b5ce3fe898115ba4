"""What processes cost: CPU seconds and resident memory of whole process trees, read from ``/proc`` (proc(5)).

A proxy may fork: nginx and haproxy have workers, sshd has sessions. So the figures are those of a process and of all
its descendants, and of the descendants that have ended and were waited for.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")

# proc(5): fields of /proc/PID/stat, counted from the state, which is the first behind "(comm)".
_STATE = 0
_PARENT = 1
_CPU_TIMES = slice(11, 15)  # utime, stime, cutime, cstime


@dataclass(frozen=True, slots=True)
class ProcessStat:
    """What the benchmark reads from one ``/proc/PID/stat``."""

    pid: int
    parent: int
    cpu_s: float
    """User and system time of the process, and of those children that it has waited for."""
    has_ended: bool = False
    """Whether it is a zombie: it has ended, and nobody has waited for it yet."""


def parse_stat(text: str) -> ProcessStat:
    """Parse ``/proc/PID/stat``; the name in it may hold blanks and brackets."""
    head, _, rest = text.rpartition(")")
    fields = rest.split()
    ticks = sum(int(field) for field in fields[_CPU_TIMES])
    return ProcessStat(int(head.split("(", 1)[0]), int(fields[_PARENT]), ticks / TICKS_PER_S, fields[_STATE] == "Z")


def parse_resident(text: str) -> int:
    """Return the bytes of ``VmRSS`` in ``/proc/PID/status``; 0 for a process that has none any more."""
    for line in text.splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def parse_proportional(text: str) -> int:
    """Return the bytes of ``Pss`` in ``/proc/PID/smaps_rollup``: what is shared counts for each process in part."""
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def family(roots: Iterable[int], stats: Mapping[int, ProcessStat]) -> list[ProcessStat]:
    """Return the processes ``roots`` and all their descendants."""
    children: dict[int, list[int]] = {}
    for stat in stats.values():
        children.setdefault(stat.parent, []).append(stat.pid)
    found: list[ProcessStat] = []
    waiting = [pid for pid in roots if pid in stats]
    while waiting:
        pid = waiting.pop()
        found.append(stats[pid])
        waiting += children.get(pid, [])
    return found


def read_stats() -> dict[int, ProcessStat]:
    """Read the ``stat`` of every process there is now."""
    stats: dict[int, ProcessStat] = {}
    for name in os.listdir(PROC):  # noqa: PTH208 - this runs beside what is measured: the cheapest way counts
        if name.isdigit() and (text := _read(PROC / name / "stat")):
            stat = parse_stat(text)
            stats[stat.pid] = stat
    return stats


def parse_machine(text: str) -> float:
    """Return the CPU seconds that the machine has worked, from ``/proc/stat``: not idling, not waiting."""
    user, nice, system, _, _, irq, softirq = (int(field) for field in text.split()[1:8])
    return (user + nice + system + irq + softirq) / TICKS_PER_S


def machine_cpu_seconds() -> float:
    """Return the CPU seconds that all processes of the machine have used so far."""
    return parse_machine(_read(PROC / "stat"))


def cpu_seconds(roots: Iterable[int]) -> float:
    """Return the CPU seconds that the families of ``roots`` have used so far."""
    return sum(stat.cpu_s for stat in family(roots, read_stats()))


def resident_bytes(roots: Iterable[int]) -> int:
    """Return the resident memory of the families of ``roots``."""
    return sum(parse_resident(_read(PROC / str(stat.pid) / "status")) for stat in family(roots, read_stats()))


def proportional_bytes(roots: Iterable[int]) -> int:
    """Return the memory of the families of ``roots``, what several of them share counted once."""
    families = family(roots, read_stats())
    return sum(parse_proportional(_read(PROC / str(stat.pid) / "smaps_rollup")) for stat in families)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""  # it has ended since it was listed
