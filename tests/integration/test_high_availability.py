"""A master dies, its shadow takes over, and mail comes by both ways again."""

from __future__ import annotations

import asyncio
import gc
import threading
from pathlib import Path
from typing import Any

import pytest

from connector_sim.on_premise.ha.node import SwitchRefused
from maco_lab.background import BackgroundLoop
from maco_lab.testing.parties import CloudConnector
from maco_lab.testing.thread import LabThread
from maco_wire.observation import HaState, Party
from tests.conftest import StartLab
from tests.lab_under_test import LabUnderTest, lab_under_test

WAYS = {"way-a": "strom@stadtwerke.example", "way-b": "gas@stadtwerke.example"}


def _with_shadow(**keys: Any) -> Any:
    def change(lab: dict[str, Any]) -> None:
        lab["cloud_connectors"][0]["high_availability"] = {
            "check_interval_s": 0.05,
            "takeover_delay_s": 0.05,
            "connect_timeout_ms": 500,
            "request_timeout_ms": 1000,
        } | keys

    return change


def _handles(lab: LabUnderTest) -> tuple[CloudConnector, CloudConnector]:
    thread = LabThread(lab.loop)
    handles = {name: CloudConnector(thread, lab.lab, each) for name, each in lab.lab.connectors.items()}
    return handles["scc"], handles["scc shadow"]


def _stored(lab: LabUnderTest) -> list[int]:
    return [lab.poll(way).stored for way in WAYS]


def test_a_shadow_takes_over_from_a_master_that_was_killed_and_mail_comes_by_both_ways(start_lab: StartLab) -> None:
    lab = start_lab(_with_shadow())
    master, shadow = _handles(lab)
    assert _stored(lab) == [1, 1]

    lab.seed()
    master.kill()
    shadow.wait_for_role("master")
    assert _stored(lab) == [1, 1]

    lost, taken_over = [each for each in lab.of(HaState) if each.system == "scc shadow"][-2:]
    assert (lost.state, taken_over.role, taken_over.state) == ("LOST", "master", "ALONE")
    assert taken_over.reason.startswith("the master was lost: ")


def test_mail_comes_by_both_ways_after_the_roles_were_switched(start_lab: StartLab) -> None:
    lab = start_lab(_with_shadow(check_interval_s=60))
    master, shadow = _handles(lab)
    lab.wait_for(HaState, Party.CLOUD_CONNECTOR, state="CONNECTED")
    master.switch_roles()
    assert (master.role, shadow.role, master.is_connected, shadow.is_connected) == ("shadow", "master", False, True)
    assert _stored(lab) == [1, 1]


def test_a_shadow_cannot_be_told_to_connect(start_lab: StartLab) -> None:
    lab = start_lab(_with_shadow(check_interval_s=60))
    _, shadow = _handles(lab)
    assert not shadow.connect()
    with pytest.raises(SwitchRefused):
        shadow.switch_roles()


def test_mail_comes_by_the_new_location_id_alone(start_lab: StartLab) -> None:
    lab = start_lab()
    connector = CloudConnector(LabThread(lab.loop), lab.lab, lab.lab.connectors["scc"])
    assert connector.change_location_id("WERK2")
    assert (connector.location_id(), lab.poll("way-a").socks_reply) == ("WERK2", 3)
    assert connector.change_location_id("WERK1")
    assert _stored(lab) == [1, 1]


def test_one_that_is_no_pair_has_no_role_to_give_away(start_lab: StartLab) -> None:
    lab = start_lab()
    connector = CloudConnector(LabThread(lab.loop), lab.lab, lab.lab.connectors["scc"])
    with pytest.raises(LookupError, match="high_availability"):
        connector.switch_roles()
    assert connector.role == "master"


def test_mail_comes_over_several_tunnel_connections(start_lab: StartLab) -> None:
    def change(lab: dict[str, Any]) -> None:
        lab["cloud_connectors"][0]["application_tunnel_connections"] = 3

    lab = start_lab(change)
    assert _stored(lab) == [1, 1]


def _left(lab_loop: BackgroundLoop) -> tuple[int, int, int]:
    """Return how many descriptors, tasks of the lab's loop, and threads there are."""

    async def tasks() -> int:
        return len(asyncio.all_tasks())

    return len(list(Path("/proc/self/fd").iterdir())), lab_loop.run(tasks()), threading.active_count()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors in /proc, which this system has not")
def test_no_task_socket_or_thread_is_left_of_a_whole_lab(loop: BackgroundLoop, tmp_path: Path) -> None:
    def change(lab: dict[str, Any]) -> None:
        lab["cloud_connectors"][0]["application_tunnel_connections"] = 3
        _with_shadow()(lab)

    counts = []
    for number in range(3):  # what is opened once and kept, such as threads of the loop, is there after the first
        folder = tmp_path / str(number)
        folder.mkdir()
        with lab_under_test(loop, folder, change) as lab:
            lab.seed()
            assert _stored(lab) == [1, 1]
        gc.collect()
        counts.append(_left(loop))
    assert counts[1] == counts[2]
