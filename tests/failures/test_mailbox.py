"""What fails at the mail server itself, and mail servers that end in the middle of something."""

from __future__ import annotations

from typing import Any

import pytest

from maco_lab.testing.journal import LabJournal
from maco_lab.testing.lab import Lab
from maco_wire.observation import Handshake, Login, MailFetched, Party, StreamClosed, StreamRefused, TlsSession
from tests.failures.matrix import Matrix, poll
from tests.failures.scripted import both
from tests.failures.settings import WAY_A, WAY_B, email_connection

WAYS = [pytest.param(WAY_A, id="way_a"), pytest.param(WAY_B, id="way_b")]
ENDS = {Party.MACO, Party.MAIL_SERVER}
MAY_SEE = {WAY_A: ENDS, WAY_B: set(Party)}
LETTER = {WAY_A: "A", WAY_B: "B"}


def swap_passwords(data: dict[str, Any]) -> None:
    """Give each credential the password of the other mailbox: wrong, and looked for by the lab all the same."""
    strom, gas = data["maco"]["credentials"]
    strom["password"], gas["password"] = gas["password"], strom["password"]


@pytest.mark.maco_lab(change=swap_passwords)
@pytest.mark.parametrize("way", WAYS)
def test_a_wrong_password_is_told_by_the_mail_server_and_seen_by_nobody_who_should_not(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix, way: str
) -> None:
    result = poll(maco_lab, way)

    assert (result.succeeded, result.stage, result.stored) == (False, "login", 0)
    assert result.error.startswith("AuthenticationFailedException: [AUTHENTICATIONFAILED]")
    assert "User Credentials" in result.hint
    assert {each.party for each in lab_journal.of(Login)} == ENDS
    assert {each.succeeded for each in lab_journal.of(Login)} == {False}
    assert lab_journal.server_handshake(succeeded=True).alert_received == ""
    assert lab_journal.passwords_held_by() == MAY_SEE[way]
    assert "Postfach" not in result.error + result.hint
    matrix.row(f"{LETTER[way]}: wrong password")


@pytest.mark.maco_lab(change=both(*(email_connection(way, folder="Marktnachrichten") for way in (WAY_A, WAY_B))))
@pytest.mark.parametrize("way", WAYS)
def test_a_folder_that_is_missing_is_told_by_its_name(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix, way: str
) -> None:
    result = poll(maco_lab, way)

    assert (result.succeeded, result.stage, result.stored) == (False, "folder", 0)
    # facts, section 1.4: CPI's own text
    assert result.error == "FolderNotFoundException: Folder not found or invalid: Marktnachrichten"
    assert "Folder" in result.hint
    assert {each.succeeded for each in lab_journal.of(Login)} == {True}
    assert lab_journal.passwords_held_by() == MAY_SEE[way]
    matrix.row(f"{LETTER[way]}: the folder is missing")


def test_in_way_a_a_mail_server_that_closes_in_the_handshake_is_told_as_that(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix
) -> None:
    maco_lab.mail_server.break_at("handshake.broken", protocol="imap")

    result = poll(maco_lab, WAY_A)

    assert (result.succeeded, result.stage) == (False, "starttls")
    assert result.error == "STARTTLS failure: Remote host terminated the handshake"  # facts, section 2.5: Java's text
    by_maco = lab_journal.client_handshake(Party.MACO)
    assert (by_maco.succeeded, by_maco.peer_chain) == (False, ())
    assert lab_journal.no_password_was_sent()
    matrix.row("A: the mail server closes in the handshake")


def test_in_way_b_a_mail_server_that_closes_in_the_handshake_is_0x04(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix
) -> None:
    maco_lab.mail_server.break_at("handshake.broken", protocol="imaps")

    result = poll(maco_lab, WAY_B)

    assert (result.succeeded, result.stage, result.socks_reply) == (False, "socks", 0x04)
    by_connector = lab_journal.client_handshake(Party.CLOUD_CONNECTOR)
    assert by_connector.error == "the peer closed the connection during the handshake"
    assert by_connector.error in lab_journal.one(StreamRefused, Party.CLOUD_CONNECTOR).reason
    assert lab_journal.no_password_was_sent()
    matrix.row("B: the mail server closes in the handshake")


def assert_no_part_of_a_mail_is_stored(lab: Lab, way: str, user: str) -> None:
    """Let the mail server close after 11 bytes of a mail."""
    lab.mail_server.deliver(user)
    lab.mail_server.break_at("literal.cut", bytes=11)

    result = poll(lab, way)

    assert (result.succeeded, result.stage, result.stored) == (False, "fetch", 0)
    assert result.error == "Connection dropped by server?"
    assert not lab.journal.of(MailFetched)
    assert lab.maco.mails() == []
    assert lab.journal.passwords_held_by() == MAY_SEE[way]


def test_in_way_a_a_mail_server_that_closes_in_a_literal_leaves_nothing_in_the_inbox(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix
) -> None:
    assert_no_part_of_a_mail_is_stored(maco_lab, WAY_A, "strom@stadtwerke.example")
    by_maco = lab_journal.client_handshake(Party.MACO)
    assert (by_maco.succeeded, by_maco.session) == (True, TlsSession.IMAP_STARTTLS)
    matrix.row("A: the mail server closes in a literal")


def test_in_way_b_a_mail_server_that_closes_in_a_literal_leaves_nothing_in_the_inbox(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix
) -> None:
    assert_no_part_of_a_mail_is_stored(maco_lab, WAY_B, "gas@stadtwerke.example")
    assert lab_journal.client_handshake(Party.CLOUD_CONNECTOR).succeeded
    assert lab_journal.wait_for(StreamClosed, Party.CLOUD_CONNECTOR).bytes_to_maco > 0
    assert not lab_journal.of(Handshake, Party.MACO), "MaCo knows of no TLS"
    matrix.row("B: the mail server closes in a literal")
