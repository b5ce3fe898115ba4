"""What the fixtures can do: MaCo, mail server, Cloud Connector and journal of a running lab."""

from __future__ import annotations

import asyncio
import email.message
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from connector_sim.cloud.tokens import TokenRefusal
from connector_sim.exceptions import SettingsError
from maco_client.configuration import UnknownEntry
from maco_lab.testing.journal import LabJournal
from maco_lab.testing.lab import Lab
from maco_lab.testing.parties import CloudConnector, Maco, MailServer
from maco_wire.observation import (
    Handshake,
    Login,
    MailAccepted,
    MailFetched,
    Party,
    PollFinished,
    TlsSession,
    TunnelState,
)
from mailserver_sim.store.errors import NoSuchAccount, NoSuchMailbox

WAY_A, WAY_B = "way-a", "way-b"
STROM, GAS = "strom@stadtwerke.example", "gas@stadtwerke.example"
VIRTUAL_A = "mail.stadtwerke.example:143"


def test_a_delivered_mail_is_fetched_by_both_ways(maco: Maco, mail_server: MailServer) -> None:
    for connection, user in ((WAY_A, STROM), (WAY_B, GAS)):
        mail_server.deliver(user, f"Subject: by {connection}\n\nUNA:+.? '")
        assert maco.poll(connection).stored == 1

    assert [mail.subject for mail in maco.mails()] == ["by way-a", "by way-b"]
    assert [mail.subject for mail in maco.mails(WAY_B)] == ["by way-b"]


def test_an_unknown_connection_is_told_with_those_that_are_there(maco: Maco) -> None:
    with pytest.raises(UnknownEntry, match="'way-a', 'way-b'"):
        maco.poll("way-c")


def test_text_is_delivered_with_the_line_ends_of_the_wire(mail_server: MailServer) -> None:
    mail_server.deliver(STROM, "Subject: x\n\nline\n")

    assert [mail.raw for mail in mail_server.mails(STROM)] == [b"Subject: x\r\n\r\nline\r\n"]


def test_bytes_are_delivered_as_they_are(mail_server: MailServer) -> None:
    mail_server.deliver(STROM, b"Subject: x\n\nline")

    assert [mail.raw for mail in mail_server.mails(STROM)] == [b"Subject: x\n\nline"]


def test_a_message_keeps_its_attachments_on_the_way(maco: Maco, mail_server: MailServer) -> None:
    message = email.message.EmailMessage()
    message["Subject"] = "MSCONS"
    message.add_attachment(b"UNA:+.? '", maintype="application", subtype="octet-stream", filename="MSCONS.txt")
    mail_server.deliver(GAS, message)

    maco.poll(WAY_B)

    assert [mail.attachments for mail in maco.mails()] == [{"MSCONS.txt": b"UNA:+.? '"}]


def test_without_a_mail_of_its_own_a_test_gets_a_sample(mail_server: MailServer) -> None:
    uid = mail_server.deliver(STROM)

    (mail,) = mail_server.mails(STROM)
    assert mail.uid == uid
    assert mail.subject.startswith("MSCONS_")


def test_a_polled_mail_is_marked_as_read_at_the_mail_server(maco: Maco, mail_server: MailServer) -> None:
    mail_server.deliver(STROM)
    assert [mail.flags for mail in mail_server.mails(STROM)] == [frozenset()]

    maco.poll(WAY_A)

    assert [mail.flags for mail in mail_server.mails(STROM)] == [{"\\Seen"}]


def test_the_mail_server_names_its_accounts(mail_server: MailServer) -> None:
    assert set(mail_server.accounts) == {STROM, GAS}


def test_an_unknown_user_or_mailbox_is_an_error(mail_server: MailServer) -> None:
    with pytest.raises(NoSuchAccount):
        mail_server.deliver("wasser@stadtwerke.example")
    with pytest.raises(NoSuchMailbox):
        mail_server.mails(STROM, "Archive")


def test_without_a_tunnel_the_proxy_answers_0x03(maco: Maco, cloud_connector: CloudConnector) -> None:
    cloud_connector.disconnect()

    assert not cloud_connector.is_connected
    assert maco.poll(WAY_A).socks_reply == 0x03


def test_a_connector_that_is_told_to_connect_serves_again(maco: Maco, cloud_connector: CloudConnector) -> None:
    cloud_connector.disconnect()

    assert cloud_connector.connect()

    assert maco.poll(WAY_A).succeeded


def test_a_tunnel_that_was_cut_comes_back_by_itself(
    maco: Maco, cloud_connector: CloudConnector, lab_journal: LabJournal
) -> None:
    cloud_connector.cut()

    states = lab_journal.of(TunnelState, Party.CLOUD_CONNECTOR)
    assert [each.state for each in states][:2] == ["Connected", "Disconnected"]
    assert cloud_connector.connect()
    assert maco.poll(WAY_A).succeeded


def test_a_mapping_that_was_withdrawn_is_answered_with_0x02(maco: Maco, cloud_connector: CloudConnector) -> None:
    cloud_connector.withdraw(VIRTUAL_A)

    assert maco.poll(WAY_A).socks_reply == 0x02


def test_an_exposed_mapping_replaces_the_one_of_the_same_virtual_system(
    maco: Maco, cloud_connector: CloudConnector, lab_journal: LabJournal
) -> None:
    before = len(cloud_connector.mappings())
    cloud_connector.expose(VIRTUAL_A.upper(), "nowhere.example:143")

    assert len(cloud_connector.mappings()) == before
    assert maco.poll(WAY_A).socks_reply == 0x04
    assert lab_journal.of(PollFinished)[0].stage == "socks"


def test_a_port_range_is_exposed_and_withdrawn_as_a_whole(maco: Maco, cloud_connector: CloudConnector) -> None:
    cloud_connector.withdraw(VIRTUAL_A)
    cloud_connector.expose("mail.stadtwerke.example:140-149", "mail.stadtwerke.example:140-149")
    assert maco.poll(WAY_A).succeeded

    cloud_connector.withdraw("mail.stadtwerke.example:140-149")
    assert maco.poll(WAY_A).socks_reply == 0x02


def test_a_port_range_that_overlaps_a_mapping_is_refused_and_changes_nothing(cloud_connector: CloudConnector) -> None:
    before = cloud_connector.mappings()

    with pytest.raises(SettingsError, match="overlaps"):
        cloud_connector.expose("mail.stadtwerke.example:140-149", "mail.stadtwerke.example:140-149")

    assert cloud_connector.mappings() == before


def test_a_mapping_that_is_not_there_cannot_be_withdrawn(cloud_connector: CloudConnector) -> None:
    with pytest.raises(KeyError):
        cloud_connector.withdraw("mail.stadtwerke.example:144")


@pytest.mark.parametrize("virtual", ["mail.stadtwerke.example", ":143", "host:", "host:-1"])
def test_a_virtual_system_is_written_as_host_and_port(cloud_connector: CloudConnector, virtual: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        cloud_connector.expose(virtual, "mail.stadtwerke.example:143")


def test_an_impossible_port_is_refused_and_changes_nothing(cloud_connector: CloudConnector) -> None:
    before = cloud_connector.mappings()

    with pytest.raises(SettingsError):
        cloud_connector.expose("mail.stadtwerke.example:0", "mail.stadtwerke.example:143")

    assert cloud_connector.mappings() == before


def test_the_journal_is_asked_by_class_party_and_field(
    maco: Maco, mail_server: MailServer, lab_journal: LabJournal
) -> None:
    mail_server.deliver(STROM)
    maco.poll(WAY_A)

    assert len(lab_journal.of(Handshake, session=TlsSession.IMAP_STARTTLS)) == 2
    assert len(lab_journal.of(Handshake, Party.MACO)) == 1
    assert [each.connection for each in lab_journal.of(MailFetched)] == [WAY_A]


def test_waiting_for_what_nobody_observes_ends_at_its_deadline(lab_journal: LabJournal) -> None:
    with pytest.raises(TimeoutError):
        lab_journal.wait_for(MailFetched, timeout_s=0.01)


def test_sight_tells_where_tls_ended(maco: Maco, mail_server: MailServer, lab_journal: LabJournal) -> None:
    mail_server.deliver(GAS)
    maco.poll(WAY_B)

    session = lab_journal.sight(WAY_B).mail_session
    assert session is not None
    assert session.client == "Cloud Connector"


def test_the_only_observation_is_told_and_none_or_two_are_an_error(maco: Maco, lab_journal: LabJournal) -> None:
    with pytest.raises(LookupError, match="0 observations instead of one: poll_finished"):
        lab_journal.one(PollFinished)
    maco.poll(WAY_A)
    assert lab_journal.one(PollFinished, connection=WAY_A).succeeded
    maco.poll(WAY_B)

    assert lab_journal.one(PollFinished, connection=WAY_B).succeeded
    with pytest.raises(LookupError, match="2 observations instead of one: poll_finished MaCo"):
        lab_journal.one(PollFinished, Party.MACO)


def test_the_handshake_with_the_mail_server_is_told_by_its_client_and_by_nobody_else(
    maco: Maco, lab_journal: LabJournal
) -> None:
    maco.poll(WAY_B)

    by_connector = lab_journal.client_handshake(Party.CLOUD_CONNECTOR)
    assert (by_connector.role, by_connector.session) == ("client", TlsSession.BACK_END)
    assert lab_journal.server_handshake(succeeded=True).peer == by_connector.local
    with pytest.raises(LookupError, match="MaCo alone should be client of the mail server"):
        lab_journal.client_handshake(Party.MACO)


def test_a_second_client_of_the_mail_server_is_an_error(maco: Maco, lab_journal: LabJournal) -> None:
    maco.poll(WAY_B)
    maco.poll(WAY_B)

    with pytest.raises(LookupError, match="Cloud Connector alone"):
        lab_journal.client_handshake(Party.CLOUD_CONNECTOR)


def test_who_held_a_password_is_told_of_all_users_and_of_one(maco: Maco, lab_journal: LabJournal) -> None:
    assert lab_journal.no_password_was_sent()

    maco.poll(WAY_A)
    assert lab_journal.passwords_held_by() == {Party.MACO, Party.MAIL_SERVER}
    maco.poll(WAY_B)

    assert lab_journal.passwords_held_by() == lab_journal.passwords_held_by(GAS) == set(Party)
    assert lab_journal.passwords_held_by(STROM) == {Party.MACO, Party.MAIL_SERVER}
    assert not lab_journal.no_password_was_sent()


def test_a_login_that_sent_a_password_is_seen_although_no_party_knew_it_for_one(
    maco_lab: Lab, lab_journal: LabJournal
) -> None:
    maco_lab.running.journal.record(
        Login(Party.MACO, "IMAP", "client", STROM, succeeded=False, in_clear=True, credentials_sent=True)
    )

    assert lab_journal.passwords_held_by() == set()
    assert not lab_journal.no_password_was_sent()


def test_sight_of_a_connection_that_was_not_polled_is_an_error(lab_journal: LabJournal) -> None:
    with pytest.raises(LookupError, match="way-a"):
        lab_journal.sight(WAY_A)


async def test_an_async_test_awaits_while_its_own_loop_goes_on(maco_lab: Lab) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        counting = tasks.create_task(count())
        await maco_lab.mail_server.deliver_async(STROM)
        result = await maco_lab.maco.poll_async(WAY_A)
        fetched = await maco_lab.journal.wait_for_async(MailAccepted)
        counting.cancel()

    assert (result.stored, fetched.account) == (1, STROM)
    assert [mail.uid for mail in await maco_lab.mail_server.mails_async(STROM)] == [1]
    assert turns > 10


async def test_an_async_test_may_block_too(maco: Maco, mail_server: MailServer) -> None:
    mail_server.deliver(STROM)

    assert maco.poll(WAY_A).stored == 1


async def test_an_async_test_ends_and_dials_tunnels(maco_lab: Lab) -> None:
    connector = maco_lab.cloud_connector
    await connector.cut_async()
    await connector.disconnect_async()
    assert (await maco_lab.maco.poll_async(WAY_A)).socks_reply == 0x03

    assert await connector.connect_async()


def test_blocking_in_the_labs_own_thread_is_an_error_and_no_deadlock(maco_lab: Lab) -> None:
    async def block() -> None:
        maco_lab.mail_server.deliver(STROM)

    with pytest.raises(RuntimeError, match="own thread"):
        maco_lab.thread.run(block())


def test_the_service_binding_speaks_of_the_running_proxy(maco_lab: Lab) -> None:
    binding = maco_lab.service_binding

    host, port = maco_lab.addresses["socks5"]
    assert (binding["onpremise_proxy_host"], binding["onpremise_socks5_proxy_port"]) == (host, str(port))
    assert binding["clientid"] == "maco"
    assert binding["token_service_url"].startswith("http://127.0.0.1:")


def test_a_token_may_have_expired_already(maco_lab: Lab) -> None:
    tokens = maco_lab.running.cloud.tokens

    assert tokens.verify(maco_lab.token()).client_id == "maco"
    with pytest.raises(TokenRefusal, match="expired"):
        tokens.verify(maco_lab.token(lifetime_s=-1))


def test_an_internal_host_leads_to_a_server_of_the_tests_own(maco_lab: Lab, lab_journal: LabJournal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as own, ThreadPoolExecutor(1) as threads:
        maco_lab.lead("MAIL.stadtwerke.example:143", own.getsockname())
        poll = threads.submit(maco_lab.maco.poll, WAY_A)
        connection, _ = own.accept()
        connection.sendall(b"* BYE not today\r\n")
        connection.close()

        assert "not today" in poll.result(10).error
    assert not lab_journal.of(Login)


def test_an_internal_host_is_written_as_host_and_port(maco_lab: Lab) -> None:
    with pytest.raises(ValueError, match="host:port"):
        maco_lab.lead("mail.stadtwerke.example", ("127.0.0.1", 143))


def test_the_root_is_the_one_that_maco_trusts(maco_lab: Lab) -> None:
    assert maco_lab.root_pem.startswith(b"-----BEGIN CERTIFICATE-----")
    assert maco_lab.authority.root_certificate.subject.rfc4514_string()
