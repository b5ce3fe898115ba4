"""MaCo sends a mail, on the wire: order, texts, and what is never said."""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
from collections.abc import Sequence
from typing import Any

import pytest

from certs.cast import Cast
from certs.summary import summarize
from certs.trust import server_context
from maco_client.key_store import KeyStore
from maco_client.sasl import choice
from maco_client.sasl.digest_md5 import digest_md5
from maco_client.sasl.exchanges import Exchange
from maco_client.settings import Credential, ProxyType
from maco_client.smtp.choices import SendingAuthentication, SendingProtection
from maco_client.smtp.message import OutgoingMail
from maco_client.smtp.results import RefusedRecipient, SendResult
from maco_client.smtp.sender import MailSender
from maco_client.smtp.session import SmtpSession
from maco_client.smtp.settings import SendingConnection
from maco_wire.observation import Address, Handshake, Login, SendFinished, Starttls, TlsSession
from tests.maco_client.bench import HOST, Journal, leading_to
from tests.maco_client.sasl.test_digest_md5 import CHALLENGE, CNONCE, PROOF, RESPONSE
from tests.maco_client.scripted_server import (
    ExpectBytes,
    ExpectLine,
    Hang,
    Read,
    Reset,
    ScriptedServer,
    Send,
    Step,
    Tls,
    running,
)

MANDATORY, OFF = SendingProtection.STARTTLS_MANDATORY, SendingProtection.OFF
MAIL = b"Subject: MSCONS\n\n.hidden\n"
SENDER, RECIPIENT = "maco@example.com", "gas@stadtwerke.example"
PASSWORD = Credential("mailbox", "maco", "sesame")


def told(line: bytes, answer: bytes) -> list[Step]:
    return [ExpectLine(line), Send(answer + b"\r\n")]


def ehlo(*extensions: bytes) -> list[Step]:
    lines = [b"mail.example", *extensions]
    answer = b"\r\n".join(b"250%b%b" % (b" " if line is lines[-1] else b"-", line) for line in lines)
    return told(rb"EHLO maco", answer)


GREETING: list[Step] = [Send(b"220 mail.example ESMTP\r\n")]
TAKEN: list[Step] = [
    *told(rb"MAIL FROM:<maco@example\.com>", b"250 ok"),
    *told(rb"RCPT TO:<gas@stadtwerke\.example>", b"250 ok"),
    *told(rb"DATA", b"354 go on"),
    ExpectBytes(b"Subject: MSCONS\r\n\r\n..hidden\r\n.\r\n"),
    Send(b"250 2.0.0 queued as 4711\r\n"),
    *told(rb"QUIT", b"221 bye"),
]


@pytest.fixture
def journal() -> Journal:
    return Journal()


def mail_sender(
    journal: Journal,
    key_store: KeyStore,
    address: Address,
    *,
    protection: SendingProtection = MANDATORY,
    timeout_ms: int = 5_000,
    **settings: Any,
) -> MailSender:
    if "credential" in settings:
        settings.setdefault("authentication", SendingAuthentication.PLAIN)
    return MailSender(
        SendingConnection(
            "to partners", f"{HOST}:587", protection, SENDER, ProxyType.INTERNET, timeout_ms=timeout_ms, **settings
        ),
        proxy=None,
        tokens=None,
        key_store=key_store,
        record=journal,
        describe_certificate=summarize,
        resolve=leading_to(address),
    )


async def send(
    journal: Journal,
    key_store: KeyStore,
    script: Sequence[Step],
    *,
    recipients: tuple[str, ...] = (RECIPIENT,),
    sender: str = SENDER,
    message: bytes = MAIL,
    **settings: Any,
) -> tuple[SendResult, ScriptedServer]:
    mail = OutgoingMail(sender, recipients, message, "<1@example.com>")
    server = ScriptedServer([script])
    async with running(server):
        result = await mail_sender(journal, key_store, server.address, **settings).send(mail)
    assert server.surprises == []
    return result, server


async def test_starttls_comes_before_the_login_and_the_mail(
    journal: Journal, key_store: KeyStore, mail_server_tls: ssl.SSLContext
) -> None:
    login = [
        *told(rb"AUTH LOGIN", b"334 " + base64.b64encode(b"Username:")),
        *told(base64.b64encode(b"maco"), b"334 " + base64.b64encode(b"Password:")),
        *told(base64.b64encode(b"sesame"), b"235 welcome"),
    ]
    script = [*GREETING, *ehlo(b"STARTTLS"), *told(rb"STARTTLS", b"220 go"), Tls(mail_server_tls)]
    script += [*ehlo(b"AUTH PLAIN LOGIN"), *login, *TAKEN]

    result, _ = await send(journal, key_store, script, credential=PASSWORD)

    assert (result.error, result.stage, result.answer) == ("", "done", "250 2.0.0 queued as 4711")
    assert result.vouched_by == "root"
    seen = journal.only(Handshake)
    assert (seen.succeeded, seen.session, seen.name_checked) == (True, TlsSession.SMTP_STARTTLS, HOST)
    assert [each.step for each in journal.all(Starttls)] == ["asked", "accepted"]
    logged_in = journal.only(Login)
    assert (logged_in.protocol, logged_in.succeeded, logged_in.in_clear) == ("SMTP", True, False)


async def test_plain_and_tokens_go_with_the_command(journal: Journal, key_store: KeyStore) -> None:
    plain = told(rb"AUTH PLAIN " + base64.b64encode(b"\0maco\0sesame"), b"235 welcome")
    result, _ = await send(
        journal, key_store, [*GREETING, *ehlo(b"AUTH PLAIN"), *plain, *TAKEN], protection=OFF, credential=PASSWORD
    )
    assert result.error == ""
    said = base64.b64encode(b"user=maco\x01auth=Bearer token\x01\x01").replace(b"+", rb"\+")
    token = told(rb"AUTH XOAUTH2 " + said, b"235 welcome")
    result, _ = await send(
        journal,
        key_store,
        [*GREETING, *ehlo(b"AUTH XOAUTH2 PLAIN"), *token, *TAKEN],
        protection=OFF,
        credential=Credential("mailbox", "maco", access_token="token"),
        authentication=SendingAuthentication.OAUTH2,
    )
    assert result.error == ""


async def test_smtps_begins_with_tls(journal: Journal, key_store: KeyStore, mail_server_tls: ssl.SSLContext) -> None:
    script = [Tls(mail_server_tls), *GREETING, *ehlo(), *TAKEN]
    result, _ = await send(journal, key_store, script, protection=SendingProtection.SMTPS)
    assert result.error == ""
    assert journal.only(Handshake).session is TlsSession.SMTPS


async def test_mandatory_ends_without_the_offer(journal: Journal, key_store: KeyStore) -> None:
    result, server = await send(journal, key_store, [*GREETING, *ehlo(b"AUTH PLAIN"), Hang()], credential=PASSWORD)
    # facts 3: SMTP's own text
    assert (result.stage, result.error) == ("starttls", "STARTTLS is required but host does not support STARTTLS")
    assert server.heard == [b"EHLO maco"]
    assert journal.all(Login) == []


async def test_optional_goes_on_in_clear_without_the_offer(journal: Journal, key_store: KeyStore) -> None:
    script = [*GREETING, *ehlo(), *TAKEN]
    result, _ = await send(journal, key_store, script, protection=SendingProtection.STARTTLS_OPTIONAL)
    assert result.error == ""


async def test_plaintext_behind_starttls_ends_it(journal: Journal, key_store: KeyStore) -> None:
    script = [*GREETING, *ehlo(b"STARTTLS"), *told(rb"STARTTLS", b"220 go\r\n250 injected"), Hang()]
    result, _ = await send(journal, key_store, script, credential=PASSWORD)
    assert result.error.startswith("Could not convert socket to TLS: 14 bytes of plaintext")
    assert journal.all(Handshake) == []


@pytest.mark.parametrize(
    ("protection", "text"),
    [
        (MANDATORY, "Could not convert socket to TLS; nested exception is: PKIX path building failed"),
        (
            SendingProtection.SMTPS,
            f"Could not connect to SMTP host: {HOST}, port: 587; nested exception is: PKIX path building failed",
        ),
    ],
)
async def test_a_bad_certificate_is_told_in_javamails_words(
    journal: Journal, key_store: KeyStore, cast: Cast, protection: SendingProtection, text: str
) -> None:
    tls = Tls(server_context(cast.by_name("self_signed")))
    script: list[Step] = [tls]
    if protection is MANDATORY:
        script = [*GREETING, *ehlo(b"STARTTLS"), *told(rb"STARTTLS", b"220 go"), tls]
    result, server = await send(journal, key_store, script, protection=protection, credential=PASSWORD)
    assert result.error.startswith(text)
    assert server.handshake_errors == ["unknown_ca"]
    assert journal.all(Login) == []


async def test_every_refused_recipient_is_told_and_the_mail_goes_to_nobody(
    journal: Journal, key_store: KeyStore
) -> None:
    script = [
        *GREETING,
        *ehlo(),
        *TAKEN[:2],
        *told(rb"RCPT TO:<nobody@stadtwerke\.example>", b"550 5.1.1 no such user"),
        *TAKEN[2:4],
        *told(rb"RCPT TO:<later@stadtwerke\.example>", b"450 4.2.1 busy"),
        *told(rb"QUIT", b"221 bye"),
    ]
    recipients = ("nobody@stadtwerke.example", RECIPIENT, "later@stadtwerke.example")
    result, server = await send(journal, key_store, script, protection=OFF, recipients=recipients)
    assert (result.succeeded, result.outcome, result.stage) == (False, "not sent", "recipients")
    assert result.error == (
        "SendFailedException: Invalid Addresses; nested exception is: 550 5.1.1 no such user"
        "; nested exception is: 450 4.2.1 busy"
    )
    assert result.refused == (
        RefusedRecipient("nobody@stadtwerke.example", "550 5.1.1 no such user"),
        RefusedRecipient("later@stadtwerke.example", "450 4.2.1 busy"),
    )
    assert b"DATA" not in server.heard
    assert "nobody@stadtwerke.example refused: 550 5.1.1 no such user" in result.line


async def test_a_server_that_leaves_at_a_recipient_is_asked_for_no_other_one(
    journal: Journal, key_store: KeyStore
) -> None:
    script = [*GREETING, *ehlo(), *TAKEN[:2], *told(rb"RCPT TO:<gas@.*>", b"421 4.3.2 shutting down")]
    recipients = (RECIPIENT, "strom@stadtwerke.example")
    result, _ = await send(journal, key_store, script, protection=OFF, recipients=recipients)
    assert [each.address for each in result.refused] == [RECIPIENT]
    assert (result.stage, result.server_answer) == ("recipients", "421 4.3.2 shutting down")


WIRE = b"Subject: MSCONS\r\n\r\n..hidden\r\n.\r\n"
WHOLE = [*GREETING, *ehlo(), *TAKEN[:6], ExpectBytes(WIRE)]


@pytest.mark.parametrize("ending", [[], [Reset()], [Hang()], [Send(b"nonsense\r\n"), Hang()]])
async def test_no_answer_behind_the_whole_mail_is_neither_success_nor_failure(
    journal: Journal, key_store: KeyStore, ending: list[Step]
) -> None:
    timeout_ms = 200 if ending == [Hang()] else 5_000
    result, _ = await send(journal, key_store, [*WHOLE, *ending], protection=OFF, timeout_ms=timeout_ms)
    assert (result.succeeded, result.outcome, result.stage) == (False, "unknown", "receipt")
    assert "may have been taken" in result.hint
    assert "may have taken the mail" in result.line
    assert journal.only(SendFinished).outcome == "unknown"


@pytest.mark.parametrize("answer", [b"554 5.6.0 no", b"451 4.3.0 later", b"354 go on"])
async def test_the_answer_to_the_whole_mail_decides(journal: Journal, key_store: KeyStore, answer: bytes) -> None:
    script = [*WHOLE, Send(answer + b"\r\n"), Hang()]
    result, _ = await send(journal, key_store, script, protection=OFF)
    assert (result.succeeded, result.outcome, result.stage) == (False, "not sent", "receipt")
    assert (result.error, result.server_answer) == (f"SMTPSendFailedException: {answer.decode()}", answer.decode())


@pytest.mark.parametrize("ending", [[], [Reset()], [Hang()], [Send(b"nonsense\r\n"), Hang()], [Send(b"500 what\r\n")]])
async def test_what_comes_of_quit_changes_nothing(journal: Journal, key_store: KeyStore, ending: list[Step]) -> None:
    script = [*WHOLE, Send(b"250 2.0.0 queued as 4711\r\n"), ExpectLine(rb"QUIT"), *ending]
    timeout_ms = 200 if ending == [Hang()] else 5_000
    result, _ = await send(journal, key_store, script, protection=OFF, timeout_ms=timeout_ms)
    assert (result.succeeded, result.outcome, result.stage) == (True, "sent", "done")


@pytest.mark.slow
async def test_a_connection_that_breaks_within_the_mail_has_sent_none(journal: Journal, key_store: KeyStore) -> None:
    script = [*GREETING, *ehlo(), *TAKEN[:6], Read(), Reset()]
    big = b"Subject: MSCONS\r\n\r\n" + (b"x" * 70 + b"\r\n") * 300_000
    result, _ = await send(journal, key_store, script, protection=OFF, message=big)
    assert (result.outcome, result.stage, result.error) == ("not sent", "content", "[EOF]")


async def test_bytes_and_addresses_beyond_ascii_are_announced(journal: Journal, key_store: KeyStore) -> None:
    script = [
        *GREETING,
        *ehlo(b"8BITMIME", b"SMTPUTF8"),
        *told(rb"MAIL FROM:<maco@example\.com> BODY=8BITMIME SMTPUTF8", b"250 ok"),
        *told("RCPT TO:<jürgen@stadtwerke\\.example>".encode(), b"250 ok"),
        *told(rb"DATA", b"354 go on"),
        ExpectBytes("Zähler\r\n.\r\n".encode()),
        Send(b"250 ok\r\n"),
        *told(rb"QUIT", b"221 bye"),
    ]
    result, _ = await send(
        journal, key_store, script, protection=OFF,
        recipients=("jürgen@stadtwerke.example",), message="Zähler".encode(),
    )  # fmt: skip
    assert result.error == ""


@pytest.mark.parametrize(
    ("offered", "message", "recipient", "missing"),
    [
        (b"SMTPUTF8", "Zähler", RECIPIENT, "8BITMIME"),
        (b"8BITMIME", "Z", "jürgen@stadtwerke.example", "SMTPUTF8"),
    ],
)
async def test_a_server_is_given_nothing_that_it_has_no_extension_for(
    journal: Journal, key_store: KeyStore, offered: bytes, message: str, recipient: str, missing: str
) -> None:
    result, server = await send(
        journal, key_store, [*GREETING, *ehlo(offered), Hang()], protection=OFF,
        recipients=(recipient,), message=message.encode(),
    )  # fmt: skip
    assert result.stage == "sender"
    assert f"does not offer {missing}" in result.error
    assert server.heard == [b"EHLO maco"]


PLAIN = base64.b64encode(b"\0maco\0sesame")


@pytest.mark.parametrize(
    "said",
    [
        b"535 5.7.8 not with AUTH PLAIN " + PLAIN,
        b"535 5.7.8 not with maco sesame",
        b"535 5.7.8 not with " + base64.b64encode(b"sesame"),
        b"535 " + b"x" * 235 + PLAIN,  # where the error ends, which must not be in the middle of it
        b"not with " + b"x" * 60 + PLAIN,
        b"334 !!" + b"x" * 60 + PLAIN,
        b"235 welcome, sesame\r\n550 sesame",
    ],
)
async def test_a_server_that_repeats_the_password_does_not_get_it_shown(
    journal: Journal, key_store: KeyStore, said: bytes
) -> None:
    script = [*GREETING, *ehlo(b"AUTH PLAIN"), *told(rb"AUTH PLAIN .*", said), Hang()]
    result, _ = await send(journal, key_store, script, protection=OFF, credential=PASSWORD)
    assert not result.succeeded
    for each in (result, result.line, *journal.observations):
        assert not any(secret in repr(each) for secret in ("sesame", PLAIN.decode()[:12], "c2VzYW1l"))


async def test_a_mail_that_was_taken_is_sent_though_the_goodbye_is_broken_off(
    journal: Journal, key_store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken_off(_session: SmtpSession) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(SmtpSession, "quit", broken_off)
    with pytest.raises(asyncio.CancelledError):
        await send(journal, key_store, [*GREETING, *ehlo(), *TAKEN[:-2]], protection=OFF)
    told = journal.only(SendFinished)
    assert (told.succeeded, told.outcome, told.answer) == (True, "sent", "250 2.0.0 queued as 4711")


async def test_a_receipt_that_repeats_the_password_does_not_get_it_shown(journal: Journal, key_store: KeyStore) -> None:
    login = told(rb"AUTH PLAIN .*", b"235 welcome")
    script = [*GREETING, *ehlo(b"AUTH PLAIN"), *login, *TAKEN[:6], ExpectBytes(WIRE), Send(b"250 sesame\r\n"), Hang()]
    result, _ = await send(journal, key_store, script, protection=OFF, credential=PASSWORD)
    assert (result.succeeded, result.answer) == (True, "250 ***")
    assert "sesame" not in repr(journal.only(SendFinished))


async def test_a_token_is_masked_too(journal: Journal, key_store: KeyStore) -> None:
    refusal = told(rb"AUTH XOAUTH2 .*", b"535 5.7.8 bad token-of-mine")
    result, _ = await send(
        journal, key_store, [*GREETING, *ehlo(b"AUTH XOAUTH2"), *refusal, Hang()], protection=OFF,
        credential=Credential("mailbox", "maco", access_token="token-of-mine"),
        authentication=SendingAuthentication.OAUTH2,
    )  # fmt: skip
    assert result.error == "AuthenticationFailedException: 535 5.7.8 bad ***"


async def test_digest_md5_must_be_proved_by_the_server(
    journal: Journal, key_store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fixed(user: str, password: str, *, service: str, host: str) -> Exchange:
        assert (service, host) == ("smtp", HOST)
        # RFC 2831, section 4
        return digest_md5("chris", "secret", service="imap", host="elwood.innosoft.com", new_cnonce=lambda: CNONCE)

    monkeypatch.setattr(choice, "digest_md5", fixed)
    asked = told(rb"AUTH DIGEST-MD5", b"334 " + base64.b64encode(CHALLENGE))
    for proof, succeeds in (([b"334 " + base64.b64encode(PROOF)], True), ([], False)):
        answered = told(re.escape(base64.b64encode(RESPONSE)), (proof or [b"235 come in"])[0])
        ending = [*told(rb"", b"235 welcome"), *TAKEN] if succeeds else [Hang()]
        script = [*GREETING, *ehlo(b"AUTH PLAIN CRAM-MD5 DIGEST-MD5"), *asked, *answered, *ending]
        result, _ = await send(
            journal, key_store, script, protection=OFF,
            credential=PASSWORD, authentication=SendingAuthentication.ENCRYPTED,
        )  # fmt: skip
        assert (result.succeeded, result.stage) == (succeeds, "done" if succeeds else "login")


@pytest.mark.parametrize(
    ("script", "stage", "error"),
    [
        ([Send(b"554 no\r\n")], "greeting", "Got bad greeting from SMTP host: 554 no"),
        ([Send(b"* OK IMAP4rev1\r\n")], "greeting", "Got bad greeting from SMTP host: * OK IMAP4rev1"),
        ([*GREETING, *told(rb"EHLO maco", b"502 what?")], "ehlo", "SMTPSendFailedException: 502 what?"),
        ([*GREETING], "ehlo", "[EOF]"),
        (
            [*GREETING, *ehlo(), *told(rb"MAIL FROM:.*", b"552 5.3.4 too large")],
            "sender",
            "SMTPSendFailedException: 552 5.3.4 too large",
        ),
        (
            [*GREETING, *ehlo(), *TAKEN[:4], *told(rb"DATA", b"354 go on\r\n250 out of turn"), Hang()],
            "content",
            "MessagingException: ",
        ),
    ],
)
async def test_what_goes_wrong_is_told_by_its_step(
    journal: Journal, key_store: KeyStore, script: list[Step], stage: str, error: str
) -> None:
    result, _ = await send(journal, key_store, script, protection=OFF)
    assert (result.succeeded, result.stage) == (False, stage)
    assert result.error.startswith(error)


async def test_a_refused_login_ends_it(journal: Journal, key_store: KeyStore) -> None:
    script = [*GREETING, *ehlo(b"AUTH PLAIN"), *told(rb"AUTH PLAIN .*", b"535 5.7.8 no"), Hang()]
    result, _ = await send(journal, key_store, script, protection=OFF, credential=PASSWORD)
    assert (result.stage, result.error) == ("login", "AuthenticationFailedException: 535 5.7.8 no")


def heard(line: bytes, answer: bytes) -> list[Step]:
    return [ExpectBytes(line + b"\r\n"), Send(answer + b"\r\n")]


USER, SECRET = (base64.b64encode(each) for each in (b"maco", b"sesame"))


@pytest.mark.parametrize(
    ("offered", "login", "sent"),
    [
        (b"PLAIN", told(rb"AUTH PLAIN .*", b"504 5.5.4 no"), True),  # it goes with the command
        (b"LOGIN", told(rb"AUTH LOGIN", b"535 5.7.8 no"), False),
        (b"LOGIN", [*told(rb"AUTH LOGIN", b"334 "), *heard(USER, b"535 5.7.8 no")], False),
        (b"LOGIN", [*told(rb"AUTH LOGIN", b"334 "), *heard(USER, b"334 "), *heard(SECRET, b"535 5.7.8 no")], True),
    ],
)
async def test_a_secret_was_sent_only_if_bytes_that_carry_it_were_written(
    journal: Journal, key_store: KeyStore, offered: bytes, login: list[Step], *, sent: bool
) -> None:
    script = [*GREETING, *ehlo(b"AUTH " + offered), *login, Hang()]
    await send(journal, key_store, script, protection=OFF, credential=PASSWORD)
    assert journal.only(Login).credentials_sent is sent


@pytest.mark.parametrize(
    ("authentication", "offered"),
    [
        (SendingAuthentication.ENCRYPTED, b"AUTH PLAIN LOGIN"),
        (SendingAuthentication.PLAIN, b"SIZE"),
        (SendingAuthentication.PLAIN, b"AUTH NTLM"),
    ],
)
async def test_no_mail_goes_out_without_the_login_that_was_set(
    journal: Journal, key_store: KeyStore, authentication: SendingAuthentication, offered: bytes
) -> None:
    script = [*GREETING, *ehlo(offered), Hang()]
    result, server = await send(
        journal, key_store, script, protection=OFF, credential=PASSWORD, authentication=authentication
    )
    assert result.error == "No authentication mechanisms supported by both server and client"
    assert server.heard == [b"EHLO maco"]
    assert not journal.only(Login).credentials_sent


async def test_a_silent_server_is_a_read_time_out(journal: Journal, key_store: KeyStore) -> None:
    result, _ = await send(journal, key_store, [Hang()], timeout_ms=100)
    assert (result.stage, result.error) == ("greeting", "Read timed out")
