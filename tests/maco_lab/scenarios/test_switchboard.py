"""The scenarios in a running lab: each shows what its sentence says, and the lab is as it was when it is off again."""

from __future__ import annotations

import functools
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from connector_sim.logs.audit_entry import SERVICE
from connector_sim.logs.audit_line import Line
from connector_sim.logs.names import CROSS_ACCOUNT
from connector_sim.logs.reading import Wanted, find_entries
from maco_client.results import PollResult
from maco_lab.scenarios.switchboard import Switchboard, UnknownScenario
from maco_lab.scenarios.table import SCENARIOS, NotPossible
from maco_lab.testing.lab import Lab
from maco_wire.observation import CanarySeen, Handshake, Login, Party
from tests.faults.leaks import nothing_left_running

WAY_A, WAY_B = "way-a", "way-b"
ALL = {Party.MACO, Party.CONNECTIVITY, Party.CLOUD_CONNECTOR, Party.MAIL_SERVER}
NOBODY: set[Party] = set()


@pytest.fixture
def board(maco_lab: Lab) -> Iterator[Switchboard]:
    async def made() -> Switchboard:
        return Switchboard(maco_lab.running.file, maco_lab.running)

    found = maco_lab.thread.run(made())
    yield found
    maco_lab.thread.run(found.close())


def polled(lab: Lab, way: str) -> PollResult:
    return lab.maco.poll(way)


def password_seen_by(lab: Lab) -> set[Party]:
    return {each.party for each in lab.journal.of(CanarySeen) if "password" in each.name}


@dataclass(frozen=True)
class Expected:
    """How a poll of a way ends under a scenario, and who sees the password in it."""

    way: str
    stage: str
    seen_by: set[Party]


DONE_A = {Party.MACO, Party.MAIL_SERVER}
EXPECTED = {
    "starttls-stripped": [Expected(WAY_A, "done", ALL)],
    "protection-off": [Expected(WAY_A, "login", NOBODY)],
    "protection-off-in-clear": [Expected(WAY_A, "done", ALL)],
    "tcp-to-993": [Expected(WAY_B, "greeting", NOBODY)],
    "tcp-tls-to-143": [Expected(WAY_B, "socks", NOBODY)],
    "tcp-tls-with-starttls": [Expected(WAY_B, "starttls", NOBODY)],
    "trust-all-impostor": [Expected(WAY_A, "starttls", NOBODY), Expected(WAY_B, "done", ALL)],
    "ca-only-at-the-connector": [Expected(WAY_A, "starttls", NOBODY), Expected(WAY_B, "done", ALL)],
    "ca-only-at-maco": [Expected(WAY_B, "socks", NOBODY), Expected(WAY_A, "done", DONE_A)],
    "certificate-wrong-name": [Expected(WAY_A, "starttls", NOBODY), Expected(WAY_B, "done", ALL)],
    "wrong-location-id": [Expected(WAY_A, "socks", NOBODY)],
    "no-mapping": [Expected(WAY_A, "socks", NOBODY)],
} | {
    f"certificate-{name}": [Expected(WAY_A, "starttls", NOBODY), Expected(WAY_B, "socks", NOBODY)]
    for name in (
        *("expired", "not-yet-valid", "unknown-root", "self-signed", "missing-intermediate", "client-auth-only"),
    )
}


def test_every_scenario_is_expected_to_show_something() -> None:
    assert set(EXPECTED) == {each.name for each in SCENARIOS}


@pytest.mark.parametrize("name", [each.name for each in SCENARIOS])
def test_a_poll_shows_what_the_scenario_says(maco_lab: Lab, board: Switchboard, name: str) -> None:
    maco_lab.thread.run(board.switch_on(name))
    seen = NOBODY
    for expected in EXPECTED[name]:
        assert polled(maco_lab, expected.way).stage == expected.stage
        seen = seen | expected.seen_by

    assert password_seen_by(maco_lab) == seen


@pytest.mark.parametrize("name", ["starttls-stripped", "trust-all-impostor", "ca-only-at-maco", "no-mapping"])
@pytest.mark.usefixtures("mail_waits")
def test_a_lab_whose_scenario_is_off_again_is_as_it_was(maco_lab: Lab, board: Switchboard, name: str) -> None:
    before = dict(maco_lab.addresses)
    maco_lab.thread.run(board.switch_on(name))
    maco_lab.thread.run(board.switch_off(name))

    assert [polled(maco_lab, way).stored for way in (WAY_A, WAY_B)] == [1, 1]
    assert [each.in_clear for each in maco_lab.journal.of(Login, Party.MAIL_SERVER)] == [False, False]
    assert dict(maco_lab.addresses) == before
    assert (board.on, board.model) == ("", maco_lab.running.file.model)


def test_one_scenario_is_on_at_a_time(maco_lab: Lab, board: Switchboard) -> None:
    for name in ("certificate-expired", "wrong-location-id"):
        maco_lab.thread.run(board.switch_on(name))

    assert [each.scenario.name for each in board.switches() if each.is_on] == ["wrong-location-id"]
    assert polled(maco_lab, WAY_B).succeeded, "the certificate is the good one again"
    assert polled(maco_lab, WAY_A).socks_reply == 0x03


def test_both_ends_tell_what_they_saw_of_a_bad_certificate(maco_lab: Lab, board: Switchboard) -> None:
    maco_lab.thread.run(board.switch_on("certificate-expired"))
    polled(maco_lab, WAY_A)

    assert maco_lab.journal.server_handshake(succeeded=False).alert_received == "certificate_expired"
    (at_maco,) = maco_lab.journal.of(Handshake, Party.MACO)
    assert at_maco.alert_sent == "certificate_expired"


def test_what_was_changed_by_hand_is_still_so_when_the_scenario_is_off(maco_lab: Lab, board: Switchboard) -> None:
    maco_lab.cloud_connector.withdraw("mailbox.virtual:993")
    maco_lab.thread.run(board.switch_on("no-mapping"))
    maco_lab.thread.run(board.switch_off("no-mapping"))

    assert polled(maco_lab, WAY_A).succeeded
    assert polled(maco_lab, WAY_B).socks_reply == 0x02


def test_a_mail_server_whose_port_was_taken_is_told_and_comes_back_with_the_next_switch(
    maco_lab: Lab, board: Switchboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = maco_lab.running.mail_server
    port = maco_lab.addresses["imap"][1]
    stop = server.stop
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

        async def stop_and_lose_the_port() -> None:
            await stop()
            if not thief.getsockname()[1]:
                thief.bind(("127.0.0.1", port))
                thief.listen()

        monkeypatch.setattr(server, "stop", stop_and_lose_the_port)
        with pytest.raises(NotPossible, match=f":{port}: .*in use"):
            maco_lab.thread.run(board.switch_on("certificate-expired"))
        monkeypatch.undo()
    assert board.on == ""
    maco_lab.thread.run(board.switch_on("certificate-expired"))
    maco_lab.thread.run(board.switch_off("certificate-expired"))

    assert polled(maco_lab, WAY_A).succeeded


@pytest.mark.slow
def test_scenarios_leave_no_task_no_thread_and_no_descriptor_behind(maco_lab: Lab, board: Switchboard) -> None:
    async def played() -> None:
        for name in ("certificate-expired", "starttls-stripped", "ca-only-at-maco"):
            await board.switch_on(name)
            await maco_lab.running.maco.poll_all()
            await board.switch_off(name)

    async def played_again() -> None:
        async with nothing_left_running():
            await played()

    maco_lab.thread.run(played())
    maco_lab.thread.run(played_again())


def test_an_unknown_scenario_is_refused_with_those_that_there_are(maco_lab: Lab, board: Switchboard) -> None:
    with pytest.raises(UnknownScenario, match="allowed: starttls-stripped, "):
        maco_lab.thread.run(board.switch_on("nothing"))


def test_a_lab_whose_parties_have_processes_of_their_own_refuses_and_says_why(maco_lab: Lab) -> None:
    async def tried() -> None:
        await Switchboard(maco_lab.running.file, None).switch_on("certificate-expired")

    with pytest.raises(NotPossible, match="--isolate"):
        maco_lab.thread.run(tried())


# Beside the administration


def mapped(lab: Lab) -> set[str]:
    return {each.virtual for each in lab.cloud_connector.mappings()}


@pytest.mark.parametrize("begins", ["before", "meanwhile"])
def test_a_mapping_of_the_api_outlives_a_scenario(maco_lab: Lab, board: Switchboard, begins: str) -> None:
    before = mapped(maco_lab)
    if begins == "before":
        maco_lab.cloud_connector.expose("added.virtual:143", "mail.stadtwerke.example:143")
    maco_lab.thread.run(board.switch_on("no-mapping"))
    if begins == "meanwhile":
        maco_lab.cloud_connector.expose("added.virtual:143", "mail.stadtwerke.example:143")

    assert mapped(maco_lab) < before | {"added.virtual:143"}
    assert "added.virtual:143" in mapped(maco_lab)
    maco_lab.thread.run(board.switch_off("no-mapping"))
    assert mapped(maco_lab) == before | {"added.virtual:143"}


@pytest.mark.parametrize("gone", ["before", "meanwhile"])
def test_a_scenario_changes_nothing_in_a_subaccount_that_is_gone(maco_lab: Lab, board: Switchboard, gone: str) -> None:
    connector = maco_lab.running.connectors["scc"]
    if gone == "before":
        maco_lab.thread.run(connector.remove("stadtwerke"))
    maco_lab.thread.run(board.switch_on("no-mapping"))
    if gone == "meanwhile":
        maco_lab.thread.run(connector.remove("stadtwerke"))
    maco_lab.thread.run(board.switch_off("no-mapping"))

    assert board.on == ""


@pytest.mark.parametrize("name", ["no-mapping", "trust-all-impostor"])
def test_what_a_scenario_changes_in_a_connector_is_audited(maco_lab: Lab, board: Switchboard, name: str) -> None:
    maco_lab.thread.run(board.switch_on(name))
    maco_lab.thread.run(board.switch_off(name))

    kinds = {
        "no-mapping": ["delete-BackendMapping", "add-BackendMapping"],
        "trust-all-impostor": ["modify-TrustedBackendCertificate"] * 2,
    }
    assert audited(maco_lab) == [(kind, "(scenario)") for kind in kinds[name]]


def audited(lab: Lab) -> list[tuple[str, str]]:
    """Return type and user of every entry of the connector's audit logs that tells of a change."""
    logs = lab.running.connectors["scc"].logs
    assert logs.places is not None
    folder = logs.places.folder
    found: list[Line] = []
    for scope in ("stadtwerke", CROSS_ACCOUNT):
        found += lab.thread.run(logs.read(functools.partial(find_entries, folder, scope, Wanted())))
    return [(each.type, each.user) for each in found if each.type != SERVICE]
