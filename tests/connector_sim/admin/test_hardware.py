"""Memory, disk and processor by the monitoring API: shapes of SAP's page, figures that this machine can have."""

from __future__ import annotations

import dataclasses
import mmap
import os
import resource
import sys
from pathlib import Path

import pytest

from connector_sim.admin import hardware
from connector_sim.admin.processor_share import ProcessorShare
from tests.connector_sim.admin.client import AdminClient
from tests.connector_sim.admin.settings import LAB

pytestmark = LAB

STATUS = Path("/proc/self/status")
MUCH = 64 * 1024 * 1024
SHARES = ["total", "CloudConnector", "others", "free"]


def test_memory_is_shown_by_who_has_it(admin: AdminClient) -> None:
    shown = admin.get("/api/monitoring/memory").json

    assert list(shown) == ["physicalKB", "virtualKB", "cloudConnectorHeapKB"]
    assert [list(each) for each in shown.values()] == [SHARES, SHARES, ["total", "used", "free"]]
    physical = shown["physicalKB"]
    assert 0 < physical["CloudConnector"] < physical["total"] <= shown["virtualKB"]["total"]
    assert physical["free"] < physical["total"]


@pytest.mark.skipif(not STATUS.exists(), reason="needs /proc")
def test_memory_is_what_the_process_occupies_now_and_not_what_it_once_did(admin: AdminClient) -> None:
    much = mmap.mmap(-1, MUCH)
    for at in range(0, MUCH, mmap.PAGESIZE):
        much[at] = 1
    full = admin.get("/api/monitoring/memory").json["physicalKB"]["CloudConnector"]
    much.close()

    shown = admin.get("/api/monitoring/memory").json["physicalKB"]["CloudConnector"]
    assert full - shown > MUCH // 1024 // 2
    assert abs(shown - resident_kb()) < MUCH // 1024 // 4


def resident_kb() -> int:
    (line,) = [each for each in STATUS.read_text().splitlines() if each.startswith("VmRSS:")]
    return int(line.split()[1])


@pytest.mark.parametrize(("platform", "found"), [("darwin", 2048), ("freebsd14", 2 * 1024 * 1024)])
def test_where_there_is_no_proc_it_is_the_most_that_it_has_occupied(
    admin: AdminClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, platform: str, found: int
) -> None:
    peak = dataclasses.make_dataclass("Peak", ["ru_maxrss"])(2 * 1024 * 1024)
    monkeypatch.setattr(hardware, "_STATM", tmp_path / "none")
    monkeypatch.setattr(resource, "getrusage", lambda _: peak)
    monkeypatch.setattr(sys, "platform", platform)

    assert admin.get("/api/monitoring/memory").json["physicalKB"]["CloudConnector"] == found


def test_the_disk_is_shown_in_megabytes(admin: AdminClient) -> None:
    shown = admin.get("/api/monitoring/disk").json

    assert list(shown) == SHARES
    assert shown["total"] == shown["CloudConnector"] + shown["others"] + shown["free"]
    disk = os.statvfs(".")
    assert shown["total"] == disk.f_blocks * disk.f_frsize // (1024 * 1024)


def test_the_processors_load_is_shown_in_percent(admin: AdminClient) -> None:
    shown = admin.get("/api/monitoring/cpu").json

    assert list(shown) == ["total", "CloudConnector"]
    assert 0 <= shown["CloudConnector"] <= shown["total"] <= 100


def test_a_share_is_that_since_the_last_question() -> None:
    processors = os.cpu_count() or 1
    moments, worked = iter([0.0, 10.0, 20.0, 20.0]), iter([1.0, 1.0 + 5 * processors, 1.0 + 5 * processors, 99.0])
    share = ProcessorShare(lambda: next(moments), lambda: next(worked))

    assert [share.percent(), share.percent(), share.percent()] == [50, 0, 0]
