"""Monitoring of the machine: memory, disk and processor (SAP, "Monitoring APIs"). None was recorded.

The figures are those of this machine and of the process that the connector runs in, which may hold other parties too.
That process has no heap of a fixed size: ``total`` and ``used`` of it are both what it occupies.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
from pathlib import Path

from connector_sim.admin.call import Call
from connector_sim.admin.endpoint import Endpoint
from connector_sim.admin.monitoring import PATH
from connector_sim.admin.replies import Reply, ok
from connector_sim.admin.roles import MONITORING

MB = 1024 * 1024
_MEMINFO, _STATM = Path("/proc/meminfo"), Path("/proc/self/statm")  # absent outside Linux


def free_disk_mb() -> int:
    """Return how much is free where the process stores."""
    return shutil.disk_usage(Path.cwd()).free // MB


def _memory(_: Call) -> Reply:
    known = _meminfo()
    own = _resident_kb()
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024
    free = known.get("MemAvailable", 0)
    swap, free_swap = known.get("SwapTotal", 0), known.get("SwapFree", 0)
    return ok(
        {
            "physicalKB": _shares(total, own, free),
            "virtualKB": _shares(total + swap, own, free + free_swap),
            "cloudConnectorHeapKB": {"total": own, "used": own, "free": 0},
        }
    )


def _disk(_: Call) -> Reply:
    found = shutil.disk_usage(Path.cwd())
    return ok(_shares(found.total // MB, 0, found.free // MB))


def _cpu(call: Call) -> Reply:
    """Return the load of the last minute in percent of all processors, and this process's share since it was asked."""
    own = call.installation.processor_share.percent()
    load = min(100, round(os.getloadavg()[0] / (os.cpu_count() or 1) * 100))
    return ok({"total": max(load, own), "CloudConnector": own})


def _shares(total: int, own: int, free: int) -> dict[str, int]:
    return {"total": total, "CloudConnector": own, "others": max(0, total - own - free), "free": free}


def _meminfo() -> dict[str, int]:
    """Return Linux's figures in kB by name; nothing elsewhere."""
    if not _MEMINFO.exists():
        return {}
    pairs = (line.split(":") for line in _MEMINFO.read_text(encoding="ascii").splitlines())
    return {name: int(value.split()[0]) for name, value in pairs}


def _resident_kb() -> int:
    """Return what this process occupies; outside Linux the most that it has occupied, which macOS counts in bytes."""
    if _STATM.exists():
        return int(_STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found // 1024 if sys.platform == "darwin" else found


ENDPOINTS = (
    Endpoint("GET", f"{PATH}/memory", MONITORING, _memory),
    Endpoint("GET", f"{PATH}/disk", MONITORING, _disk),
    Endpoint("GET", f"{PATH}/cpu", MONITORING, _cpu),
)
