"""Reset: what one test does to a lab is gone before the next, and what programs were told stays true."""

from __future__ import annotations

import asyncio
import socket
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import Any

import pytest

from certs.cast import Cast
from maco_lab.journal import Journal
from maco_lab.testing.lab import Lab, lab_for_tests
from maco_lab.testing.reset import LAST_WORDS_S, _relays_ended
from maco_wire.observation import Handshake, Party, StreamClosed, StreamOpened, TlsSession, TunnelState

WAY_A, WAY_B = "way-a", "way-b"
STROM, GAS = "strom@stadtwerke.example", "gas@stadtwerke.example"
VIRTUAL_A = "mail.stadtwerke.example:143"


@pytest.fixture
def used_lab(maco_lab: Lab) -> Lab:
    """Return a lab whose every part was used, and then reset."""
    for connection, user in ((WAY_A, STROM), (WAY_B, GAS)):
        maco_lab.mail_server.deliver(user)
        assert maco_lab.maco.poll(connection).stored == 1
    maco_lab.reset()
    return maco_lab


def test_every_mail_is_gone(used_lab: Lab) -> None:
    assert used_lab.maco.mails() == []
    assert [used_lab.mail_server.mails(user) for user in used_lab.mail_server.accounts] == [[], []]


def test_a_mailbox_is_another_one_for_those_who_knew_it(maco_lab: Lab) -> None:
    """RFC 3501, section 2.3.1.1: UIDs begin anew, so UIDVALIDITY must be greater than before."""

    def uid_validity() -> int:
        maco_lab.mail_server.deliver(STROM)
        (mail,) = maco_lab.maco.poll(WAY_A).mails
        assert mail.uid == 1
        return mail.uid_validity

    before = uid_validity()
    maco_lab.reset()

    assert uid_validity() > before


def test_the_journal_begins_as_that_of_a_lab_that_has_just_started(used_lab: Lab) -> None:
    assert [entry.number for entry in used_lab.journal] == [1, 2, 3, 4]
    assert {each.party for each in used_lab.journal.of(Handshake, session=TlsSession.TUNNEL)} == {
        Party.CONNECTIVITY,
        Party.CLOUD_CONNECTOR,
    }
    assert {each.state for each in used_lab.journal.of(TunnelState)} == {"Connected"}


@pytest.mark.slow
def test_a_lab_works_as_before(used_lab: Lab) -> None:
    for connection, user in ((WAY_A, STROM), (WAY_B, GAS)):
        used_lab.mail_server.deliver(user)
        assert used_lab.maco.poll(connection).stored == 1


def test_ports_certificates_and_tokens_stay(maco_lab: Lab) -> None:
    addresses, root, token = maco_lab.addresses, maco_lab.root_pem, maco_lab.token()

    maco_lab.reset()

    assert (maco_lab.addresses, maco_lab.root_pem) == (addresses, root)
    assert maco_lab.running.cloud.tokens.verify(token).subaccount == "stadtwerke"


@pytest.mark.parametrize("harm", ["cut", "disconnect"])
def test_tunnels_are_up_whatever_was_done_to_them(maco_lab: Lab, harm: str) -> None:
    getattr(maco_lab.cloud_connector, harm)()

    maco_lab.reset()

    assert maco_lab.cloud_connector.is_connected
    assert maco_lab.maco.poll(WAY_A).succeeded


def test_mappings_are_those_of_the_settings(maco_lab: Lab) -> None:
    before = maco_lab.cloud_connector.mappings()
    maco_lab.cloud_connector.withdraw(VIRTUAL_A)
    maco_lab.cloud_connector.expose("other.virtual:143", "mail.stadtwerke.example:143")

    maco_lab.reset()

    assert maco_lab.cloud_connector.mappings() == before


def test_internal_hosts_lead_where_the_settings_say(maco_lab: Lab) -> None:
    maco_lab.lead(VIRTUAL_A, ("127.0.0.1", 1))
    assert maco_lab.maco.poll(WAY_A).socks_reply == 0x04

    maco_lab.reset()

    assert maco_lab.maco.poll(WAY_A).succeeded


def test_a_client_that_is_still_connected_to_the_mail_server_is_dropped(maco_lab: Lab) -> None:
    with socket.create_connection(maco_lab.addresses["imap"], timeout=5) as client:
        assert client.recv(4096).endswith(b"ready\r\n")

        maco_lab.reset()

        assert read_to_end(client) == b""


def test_a_poll_that_still_runs_is_ended_and_leaves_no_trace(maco_lab_authority: Cast) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host, port = silent.getsockname()

        def to_silence(data: dict[str, Any]) -> None:
            data["hosts"][VIRTUAL_A] = f"{host}:{port}"

        with lab_for_tests(to_silence, authority=maco_lab_authority) as lab, ThreadPoolExecutor(1) as threads:
            poll = threads.submit(lab.maco.poll, WAY_A)
            connection, _ = silent.accept()  # MaCo waits for a greeting from here on
            lab.journal.wait_for(StreamOpened, Party.CONNECTIVITY)

            lab.reset()

            with pytest.raises(CancelledError):
                poll.result(5)
            with connection:
                assert read_to_end(connection) == b""
            assert [entry.number for entry in lab.journal] == [1, 2, 3, 4]
            assert not lab.journal.of(StreamClosed)


async def test_the_last_word_of_every_relay_is_waited_for() -> None:
    journal = Journal()
    journal.record(StreamOpened(Party.CONNECTIVITY, "mail.stadtwerke.example", 143, trace_id="t"))

    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(_relays_ended(journal))
        journal.record(StreamClosed(Party.CLOUD_CONNECTOR, 0, 0, trace_id="t"))
        await asyncio.sleep(0)
        assert not waiting.done()
        began = time.monotonic()
        journal.record(StreamClosed(Party.CONNECTIVITY, 0, 0, trace_id="t"))
    assert time.monotonic() - began < LAST_WORDS_S


@pytest.mark.slow
def test_a_hundred_resets_leave_nothing_behind(maco_lab: Lab) -> None:
    for _ in range(100):
        maco_lab.reset()

    assert len(maco_lab.journal) == 4
    assert maco_lab.cloud_connector.is_connected


def read_to_end(client: socket.socket) -> bytes:
    """Return what comes before the end; a reset is an end too."""
    deadline = time.monotonic() + 5
    rest = b""
    try:
        while time.monotonic() < deadline and (data := client.recv(100)):
            rest += data
    except ConnectionResetError:
        pass
    return rest


def test_a_location_id_that_was_changed_is_back(maco_lab: Lab) -> None:
    assert maco_lab.cloud_connector.change_location_id("WERK2")
    maco_lab.reset()

    assert (maco_lab.cloud_connector.location_id(), maco_lab.cloud_connector.is_connected) == ("WERK1", True)
    maco_lab.mail_server.deliver(STROM)
    assert maco_lab.maco.poll(WAY_A).stored == 1


def _with_shadow(lab: dict[str, Any]) -> None:
    lab["cloud_connectors"][0]["high_availability"] = {}


def test_a_shadow_stays_one(maco_lab_authority: Cast) -> None:
    with lab_for_tests(_with_shadow, authority=maco_lab_authority) as lab:
        lab.reset()
        assert [each.is_connected for each in lab.cloud_connectors.values()] == [True, False]


def test_a_pair_that_is_not_what_it_was_cannot_be_made_as_new(maco_lab_authority: Cast) -> None:
    with lab_for_tests(_with_shadow, authority=maco_lab_authority) as lab:
        lab.cloud_connectors["scc shadow"].kill()
        with pytest.raises(TimeoutError, match="not what they were"):
            lab.reset()
