"""Python's imaplib in plain through a mapping of protocol TCP TLS: the connector does TLS, as in way B."""

from __future__ import annotations

import imaplib
from pathlib import Path

import pytest

from maco_lab.testing.lab import Lab
from maco_wire.observation import Handshake, Login, Party, TlsSession
from tests.real.forwarding import IN_CLEAR, PASSWORD, USER, forwarding

pytestmark = [pytest.mark.real, pytest.mark.slow]

MAIL = b"From: netz@nachbar.example\r\nSubject: UTILMD\r\n\r\n" + b"0123456789abcdef" * 4096 + b"\r\n"


def test_imaplib_appends_and_fetches_in_clear_and_the_connector_does_tls(maco_lab: Lab, tmp_path: Path) -> None:
    forward = forwarding(maco_lab, tmp_path)
    with forward.port(IN_CLEAR) as port, imaplib.IMAP4("127.0.0.1", port, timeout=20) as mailbox:
        mailbox.login(USER, PASSWORD)
        mailbox.append("INBOX", "", "", MAIL)
        mailbox.select()
        _, answers = mailbox.fetch("1", "(BODY[])")

    assert isinstance(answers[0], tuple)
    assert answers[0][1] == MAIL
    journal = forward.lab.journal
    assert journal.client_handshake(Party.CLOUD_CONNECTOR).session is TlsSession.BACK_END
    assert [each.session for each in journal.of(Handshake, Party.MAIL_SERVER)] == [TlsSession.IMAPS]
    assert [each.in_clear for each in journal.of(Login, Party.MAIL_SERVER)] == [False]
