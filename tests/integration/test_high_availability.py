"""A master dies, its shadow takes over, and mail comes by both ways again; tunnels of several connections; moves."""

from __future__ import annotations

import asyncio
import gc
import threading
from pathlib import Path
from typing import Any

import pytest

from certs.cast import Cast
from connector_sim.on_premise.ha.node import SwitchRefused
from maco_lab.testing.journal import LabJournal
from maco_lab.testing.lab import Lab, lab_for_tests
from maco_lab.testing.parties import CloudConnector, Maco, MailServer
from maco_wire.observation import HaState, Party

WAYS = {"way-a": "strom@stadtwerke.example", "way-b": "gas@stadtwerke.example"}


def with_shadow(**keys: Any) -> Any:
    """Return a change that gives the first Cloud Connector a shadow."""

    def change(lab: dict[str, Any]) -> None:
        lab["cloud_connectors"][0]["high_availability"] = {
            "check_interval_s": 0.05,
            "takeover_delay_s": 0.05,
            "connect_timeout_ms": 500,
            "request_timeout_ms": 1000,
        } | keys

    return change


def with_connections(lab: dict[str, Any]) -> None:
    """Give the tunnels of the first Cloud Connector three TLS connections each."""
    lab["cloud_connectors"][0]["application_tunnel_connections"] = 3


@pytest.fixture
def shadow(maco_lab: Lab) -> CloudConnector:
    """Return the shadow of the first Cloud Connector."""
    return maco_lab.cloud_connectors["scc shadow"]


def stored(maco: Maco) -> list[int]:
    return [maco.poll(way).stored for way in WAYS]


@pytest.mark.usefixtures("mail_waits")
@pytest.mark.maco_lab(change=with_shadow())
@pytest.mark.slow
def test_a_shadow_takes_over_from_a_master_that_was_killed_and_mail_comes_by_both_ways(
    maco: Maco,
    mail_server: MailServer,
    cloud_connector: CloudConnector,
    shadow: CloudConnector,
    lab_journal: LabJournal,
) -> None:
    assert stored(maco) == [1, 1]

    for user in WAYS.values():
        mail_server.deliver(user)
    cloud_connector.kill()
    shadow.wait_for_role("master")
    assert stored(maco) == [1, 1]

    lost, taken_over = [each for each in lab_journal.of(HaState) if each.system == "scc shadow"][-2:]
    assert (lost.state, taken_over.role, taken_over.state) == ("LOST", "master", "ALONE")
    assert taken_over.reason.startswith("the master was lost: ")


@pytest.mark.usefixtures("mail_waits")
@pytest.mark.maco_lab(change=with_shadow(check_interval_s=60.5))
@pytest.mark.slow
def test_mail_comes_by_both_ways_after_the_roles_were_switched(
    maco: Maco, cloud_connector: CloudConnector, shadow: CloudConnector, lab_journal: LabJournal
) -> None:
    lab_journal.wait_for(HaState, Party.CLOUD_CONNECTOR, state="CONNECTED")
    cloud_connector.switch_roles()
    assert (cloud_connector.role, shadow.role) == ("shadow", "master")
    assert (cloud_connector.is_connected, shadow.is_connected) == (False, True)
    assert stored(maco) == [1, 1]


@pytest.mark.maco_lab(change=with_shadow(check_interval_s=60))
def test_a_shadow_cannot_be_told_to_connect(shadow: CloudConnector) -> None:
    assert not shadow.connect()
    with pytest.raises(SwitchRefused):
        shadow.switch_roles()


@pytest.mark.usefixtures("mail_waits")
def test_mail_comes_by_the_new_location_id_alone(maco: Maco, cloud_connector: CloudConnector) -> None:
    assert cloud_connector.change_location_id("WERK2")
    assert (cloud_connector.location_id(), maco.poll("way-a").socks_reply) == ("WERK2", 3)
    assert cloud_connector.change_location_id("WERK1")
    assert stored(maco) == [1, 1]


def test_one_that_is_no_pair_has_no_role_to_give_away(cloud_connector: CloudConnector) -> None:
    with pytest.raises(LookupError, match="high_availability"):
        cloud_connector.switch_roles()
    assert cloud_connector.role == "master"


@pytest.mark.usefixtures("mail_waits")
@pytest.mark.maco_lab(change=with_connections)
def test_mail_comes_over_several_tunnel_connections(maco: Maco) -> None:
    assert stored(maco) == [1, 1]


def left(lab: Lab) -> tuple[int, int, int]:
    """Return how many descriptors, tasks of the lab's loop, and threads there are."""

    async def tasks() -> int:
        return len(asyncio.all_tasks())

    return len(list(Path("/proc/self/fd").iterdir())), lab.thread.run(tasks()), threading.active_count()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors in /proc, which this system has not")
def test_no_task_socket_or_thread_is_left_of_a_whole_lab(maco_lab_authority: Cast) -> None:
    def change(lab: dict[str, Any]) -> None:
        with_connections(lab)
        with_shadow()(lab)

    counts = []
    for _ in range(3):  # what is opened once and kept, such as threads of the loop, is there after the first
        with lab_for_tests(change, authority=maco_lab_authority) as lab:
            for way, user in WAYS.items():
                lab.mail_server.deliver(user)
                assert lab.maco.poll(way).stored == 1
        gc.collect()
        counts.append(left(lab))
    assert counts[1] == counts[2]
