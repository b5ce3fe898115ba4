"""Both ways by POP3: who does TLS with the mail server, who sees what, and what is left on the server."""

from __future__ import annotations

from typing import Any

import pytest

from maco_lab.testing.journal import LabJournal
from maco_lab.testing.lab import Lab
from maco_lab.testing.parties import Maco
from maco_wire.observation import CanarySeen, Login, MailFetched, Party, Starttls, TlsSession
from tests.pop3 import POP3_A, POP3_B, with_pop3

pytestmark = [pytest.mark.maco_lab(change=with_pop3), pytest.mark.usefixtures("mail_waits")]

STROM, GAS = "strom@stadtwerke.example", "gas@stadtwerke.example"


def test_way_a_fetches_the_mail_and_maco_itself_does_stls_with_the_mail_server(
    maco_lab: Lab, maco: Maco, lab_journal: LabJournal
) -> None:
    result = maco.poll(POP3_A)

    assert (result.error, result.stored) == ("", 1)
    by_maco = lab_journal.client_handshake(Party.MACO)
    by_server = lab_journal.server_handshake(succeeded=True)
    assert by_maco.session is by_server.session is TlsSession.POP3_STLS
    assert by_maco.server_name == by_server.server_name == by_maco.name_checked == "mail.stadtwerke.example"
    assert by_maco.verified_against == "MaCo key store: mail-root"
    assert [(each.protocol, each.step) for each in lab_journal.of(Starttls, Party.MACO)] == [
        ("POP3", "asked"),
        ("POP3", "accepted"),
    ]
    assert maco_lab.mail_server.mails(STROM) == []


def test_way_b_fetches_the_mail_and_the_connector_does_tls_with_the_mail_server(
    maco_lab: Lab, maco: Maco, lab_journal: LabJournal
) -> None:
    result = maco.poll(POP3_B)

    assert (result.error, result.stored) == ("", 1)
    assert lab_journal.client_handshake(Party.CLOUD_CONNECTOR).session is TlsSession.BACK_END
    assert lab_journal.server_handshake(succeeded=True).session is TlsSession.POP3S
    assert [(each.party, each.protocol, each.in_clear) for each in lab_journal.of(Login)] == [
        (Party.MAIL_SERVER, "POP3", False),
        (Party.MACO, "POP3", True),
    ]
    assert maco_lab.mail_server.mails(GAS) == []


def test_in_way_a_nobody_between_sees_the_password_or_the_mail(maco: Maco, lab_journal: LabJournal) -> None:
    maco.poll(POP3_A)

    seen = lab_journal.of(CanarySeen)
    assert {each.name for each in seen} == {f"mailbox password of {STROM}", f"line in a mail of {STROM}"}
    assert {each.party for each in seen} == {Party.MACO, Party.MAIL_SERVER}


def test_in_way_b_everybody_sees_the_password_and_the_mail(maco: Maco, lab_journal: LabJournal) -> None:
    maco.poll(POP3_B)

    for name in (f"mailbox password of {GAS}", f"line in a mail of {GAS}"):
        assert {each.party for each in lab_journal.of(CanarySeen) if each.name == name} == set(Party)


def leaving(data: dict[str, Any]) -> None:
    for each in data["maco"]["email_connections"]:
        if each["name"] == POP3_A:
            each["post_processing"] = "Leave on Server"


@pytest.mark.maco_lab(change=leaving)
def test_a_mail_left_on_the_server_is_fetched_once(maco_lab: Lab, maco: Maco, lab_journal: LabJournal) -> None:
    assert [maco.poll(POP3_A).stored for _ in range(3)] == [1, 0, 0]

    fetched = lab_journal.one(MailFetched)
    assert (fetched.folder, fetched.uid_validity, fetched.unique_id != "") == ("INBOX", 0, True)
    assert len(maco_lab.mail_server.mails(STROM)) == 1


FAULTS = {
    "greeting.bye": ("greeting", "MessagingException: Connect failed; nested exception is: java.io.IOException: "),
    "starttls.not_offered": ("starttls", "STLS required but not supported"),
    "starttls.stripped": ("starttls", "STLS required but not supported"),
    "starttls.refused": ("starttls", "STLS required but failed"),
    "starttls.injected": ("starttls", "Could not convert socket to TLS: "),
    "handshake.broken": ("starttls", "Could not convert socket to TLS; nested exception is: Remote host terminated"),
    "login.refused": ("login", "AuthenticationFailedException: [AUTH] Wrong user name or password"),
    "mailbox.locked": ("login", "AuthenticationFailedException: [IN-USE] Another POP3 session"),
    "login.dropped": ("search", "EOF on socket"),
    "literal.cut": ("fetch", "EOF on socket"),
}


@pytest.mark.parametrize("step", FAULTS)
def test_what_the_mail_server_gets_wrong_ends_the_poll_and_loses_nothing(
    maco_lab: Lab, maco: Maco, lab_journal: LabJournal, step: str
) -> None:
    stage, error = FAULTS[step]
    maco_lab.mail_server.break_at(step, protocol="pop3")

    failed = maco.poll(POP3_A)
    assert (failed.stage, failed.error.startswith(error)) == (stage, True), failed.error
    assert "\n" not in failed.error
    if stage in ("greeting", "starttls"):
        assert lab_journal.no_password_was_sent()
    assert len(maco_lab.mail_server.mails(STROM)) == 1

    assert (maco.poll(POP3_A).stored, maco_lab.mail_server.mails(STROM)) == (1, [])


def without_the_root(data: dict[str, Any]) -> None:
    data["maco"]["key_store"] = {}


@pytest.mark.maco_lab(change=without_the_root)
def test_without_the_root_in_macos_key_store_way_a_fails_as_java_says_and_way_b_does_not(maco: Maco) -> None:
    failed = maco.poll(POP3_A)

    assert failed.stage == "starttls"
    assert failed.error.startswith("Could not convert socket to TLS; nested exception is: ")
    assert maco.poll(POP3_B).stored == 1
