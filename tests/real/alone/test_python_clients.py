"""Python's own imaplib, and IMAPClient from PyPI: what programs in Python use."""

from __future__ import annotations

import contextlib
import imaplib
import ssl
from collections.abc import Iterator

import imapclient
import pytest

from tests.real.alone.server import HOST, PASSWORD, USER, AloneServer, mail

pytestmark = [pytest.mark.real, pytest.mark.slow]

TIMEOUT_S = 20


def trusting(alone: AloneServer) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(alone.root))


@contextlib.contextmanager
def with_imaplib(alone: AloneServer, protocol: str) -> Iterator[imaplib.IMAP4]:
    if protocol == "imaps":
        client: imaplib.IMAP4 = imaplib.IMAP4_SSL(
            HOST, alone.port("imaps"), ssl_context=trusting(alone), timeout=TIMEOUT_S
        )
    else:
        client = imaplib.IMAP4(HOST, alone.port("imap"), timeout=TIMEOUT_S)
        client.starttls(trusting(alone))
    with client:
        client.login(USER, PASSWORD)
        yield client


@contextlib.contextmanager
def with_imapclient(alone: AloneServer, protocol: str) -> Iterator[imapclient.IMAPClient]:
    context, is_tls = trusting(alone), protocol == "imaps"
    with imapclient.IMAPClient(
        HOST, alone.port(protocol), ssl=is_tls, ssl_context=context if is_tls else None, timeout=TIMEOUT_S
    ) as client:
        if not is_tls:
            client.starttls(context)
        client.login(USER, PASSWORD)
        yield client


@pytest.mark.parametrize("protocol", ["imap", "imaps"])
def test_imaplib_appends_searches_copies_and_expunges(alone: AloneServer, protocol: str) -> None:
    with with_imaplib(alone, protocol) as client:
        client.append("INBOX", r"(\Flagged)", "", mail("MSCONS"))
        client.append("INBOX", "", "", mail("UTILMD"))
        client.create("Archive")
        client.select()
        assert client.search(None, "SUBJECT", "UTILMD") == ("OK", [b"2"])
        assert client.copy("1:2", "Archive")[0] == "OK"
        client.store("1", "+FLAGS", r"(\Deleted)")
        assert client.expunge() == ("OK", [b"1"])

    assert [each["subject"] for each in alone.messages()] == ["UTILMD"]
    assert [(each["subject"], each["flags"]) for each in alone.messages("Archive")] == [
        ("MSCONS", [r"\Flagged"]),
        ("UTILMD", []),
    ]


@pytest.mark.parametrize("protocol", ["imap", "imaps"])
def test_imapclient_fetches_what_it_idled_for_into_a_folder_with_an_umlaut(alone: AloneServer, protocol: str) -> None:
    with with_imapclient(alone, protocol) as client:
        client.create_folder("Prüfung/2026")
        client.select_folder("INBOX")
        client.idle()
        alone.deliver(mail("MSCONS"))
        assert (1, b"EXISTS") in client.idle_check(timeout=TIMEOUT_S)
        client.idle_done()
        (uid,) = client.search(["SUBJECT", "MSCONS"])
        found = client.fetch([uid], ["ENVELOPE", "BODYSTRUCTURE", "RFC822.SIZE", "BODY.PEEK[]"])[uid]
        assert found[b"ENVELOPE"].subject == b"MSCONS"
        assert found[b"BODY[]"] == mail("MSCONS")
        client.copy([uid], "Prüfung/2026")
        client.delete_messages([uid])
        client.expunge()

    assert alone.messages() == []
    assert alone.mails("Prüfung/2026") == [mail("MSCONS")]
