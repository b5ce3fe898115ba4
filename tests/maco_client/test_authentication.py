"""How MaCo logs in, on the wire: what the mail server offers, what is said, and what never is."""

from __future__ import annotations

import base64
import dataclasses
import functools
import ssl
from collections.abc import Sequence

import pytest

from maco_client.results import PollResult
from maco_client.sasl import choice
from maco_client.sasl.digest_md5 import digest_md5
from maco_client.settings import Authentication, Credential, EmailConnection, Protection
from maco_wire.observation import Login
from tests.maco_client.bench import Bench, make_connection
from tests.maco_client.sasl.test_digest_md5 import CHALLENGE, CNONCE, PROOF, RESPONSE
from tests.maco_client.scripted_server import (
    Expect,
    ExpectBytes,
    Hang,
    ScriptedServer,
    Send,
    Step,
    answered,
    found,
    greeting,
    left,
    opened,
    running,
    starttls,
)

PLAIN = base64.b64encode(b"\0maco\0sesame")  # RFC 4616, section 2
XOAUTH2 = base64.b64encode(b"user=maco\x01auth=Bearer token\x01\x01")
DONE = [Send(b"TAG OK logged in\r\n"), *opened(exists=0), *found(), *left()]


def asked(challenge: bytes, answer: bytes) -> list[Step]:
    return [Send(b"+ " + base64.b64encode(challenge) + b"\r\n"), ExpectBytes(base64.b64encode(answer) + b"\r\n")]


async def poll(
    bench: Bench,
    tls: ssl.SSLContext,
    connection: EmailConnection,
    offered: Sequence[bytes],
    login: Sequence[Step],
) -> tuple[PollResult, ScriptedServer]:
    server = ScriptedServer([[*greeting(), *starttls(tls, *offered), *login]])
    async with running(server):
        result = await bench.poller(connection, server.address).poll()
    assert server.surprises == []
    return result, server


async def test_plain_waits_to_be_asked_as_javamail_does(bench: Bench, mail_server_tls: ssl.SSLContext) -> None:
    login = [Expect(rb"AUTHENTICATE PLAIN"), *asked(b"", b"\0maco\0sesame"), *DONE]
    result, _ = await poll(bench, mail_server_tls, make_connection(), [b"AUTH=PLAIN", b"SASL-IR"], login)
    assert result.error == ""
    seen = bench.journal.only(Login)
    assert (seen.succeeded, seen.credentials_sent, seen.in_clear, seen.detail) == (True, True, False, "")


async def test_a_mechanism_is_taken_where_the_login_command_is_disabled(
    bench: Bench, mail_server_tls: ssl.SSLContext
) -> None:
    challenges = [*asked(b"User Name", b"maco"), *asked(b"Password", b"sesame")]
    login = [Expect(rb"AUTHENTICATE LOGIN"), *challenges, *DONE]
    result, _ = await poll(bench, mail_server_tls, make_connection(), [b"AUTH=LOGIN", b"LOGINDISABLED"], login)
    assert result.error == ""


async def test_encrypted_sends_no_password(bench: Bench, mail_server_tls: ssl.SSLContext) -> None:
    connection = make_connection(password="tanstaaftanstaaf", authentication=Authentication.ENCRYPTED)
    # RFC 2195, section 2, for the user of these tests
    answer = b"maco b913a602c7eda7a495b4e6e7334d3890"
    challenge = asked(b"<1896.697170952@postoffice.reston.mci.net>", answer)
    login = [Expect(rb"AUTHENTICATE CRAM-MD5"), *challenge, *DONE]
    result, _ = await poll(bench, mail_server_tls, connection, [b"AUTH=PLAIN", b"AUTH=CRAM-MD5"], login)
    assert result.error == ""
    seen = bench.journal.only(Login)
    assert (seen.credentials_sent, seen.detail) == (False, "by CRAM-MD5, which sends no password")


RFC_USER = Credential("mailbox", "chris", "secret")  # RFC 2831, section 4


async def digest(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, login: Sequence[Step]
) -> tuple[PollResult, ScriptedServer]:
    """Poll a server that asks what the RFC's asks, as the RFC's client."""
    monkeypatch.setattr(choice, "digest_md5", functools.partial(digest_md5, new_cnonce=lambda: CNONCE))
    connection = dataclasses.replace(
        make_connection(Protection.OFF, address="elwood.innosoft.com:143", authentication=Authentication.ENCRYPTED),
        credential=RFC_USER,
    )
    offer = answered(rb"CAPABILITY", b"CAPABILITY IMAP4rev1 AUTH=CRAM-MD5 AUTH=DIGEST-MD5 AUTH=PLAIN SASL-IR")
    server = ScriptedServer([[*greeting(), *offer, Expect(rb"AUTHENTICATE DIGEST-MD5"), *login]])
    async with running(server):
        result = await bench.poller(connection, server.address).poll()
    assert server.surprises == []
    return result, server


async def test_digest_md5_comes_first_and_the_server_proves_itself(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, _ = await digest(bench, monkeypatch, [*asked(CHALLENGE, RESPONSE), *asked(PROOF, b""), *DONE])
    assert result.error == ""
    seen = bench.journal.only(Login)
    assert (seen.credentials_sent, seen.detail) == (False, "by DIGEST-MD5, which sends no password")


@pytest.mark.parametrize(
    "ending",
    [
        [Send(b"TAG OK come in\r\n"), Hang()],
        [Send(b"+ " + base64.b64encode(b"rspauth=" + b"0" * 32) + b"\r\n"), Hang()],
    ],
)
async def test_a_server_that_does_not_prove_itself_has_let_nobody_in(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, ending: Sequence[Step]
) -> None:
    result, server = await digest(bench, monkeypatch, [*asked(CHALLENGE, RESPONSE), *ending])
    assert result.stage == "login"
    assert result.error.startswith("AuthenticationFailedException: expected the server's proof")
    assert server.commands == ["CAPABILITY", "AUTHENTICATE"]
    assert not bench.journal.only(Login).succeeded


async def test_encrypted_fails_closed_where_the_server_has_no_such_mechanism(
    bench: Bench, mail_server_tls: ssl.SSLContext
) -> None:
    connection = make_connection(authentication=Authentication.ENCRYPTED)
    result, server = await poll(bench, mail_server_tls, connection, [b"AUTH=PLAIN"], [Hang()])
    assert (result.stage, result.error) == ("login", "No login methods supported!")
    assert "CRAM-MD5" in result.hint
    assert server.commands == ["CAPABILITY", "STARTTLS", "CAPABILITY"]
    assert not bench.journal.only(Login).credentials_sent


async def test_encrypted_falls_back_only_by_a_setting(bench: Bench, mail_server_tls: ssl.SSLContext) -> None:
    connection = make_connection(authentication=Authentication.ENCRYPTED, plain_fallback=True)
    login = [Expect(rb"AUTHENTICATE PLAIN"), *asked(b"", b"\0maco\0sesame"), *DONE]
    result, _ = await poll(bench, mail_server_tls, connection, [b"AUTH=PLAIN"], login)
    assert result.error == ""
    assert bench.journal.only(Login).credentials_sent


async def test_a_token_goes_with_the_command_where_the_server_takes_it(
    bench: Bench, mail_server_tls: ssl.SSLContext
) -> None:
    connection = make_connection(access_token="token", authentication=Authentication.OAUTH2)
    login = [Expect(rb"AUTHENTICATE XOAUTH2 " + XOAUTH2), *DONE]
    result, _ = await poll(bench, mail_server_tls, connection, [b"SASL-IR", b"AUTH=XOAUTH2"], login)
    assert result.error == ""


async def test_a_refused_token_is_answered_and_told_as_a_failed_authentication(
    bench: Bench, mail_server_tls: ssl.SSLContext
) -> None:
    connection = make_connection(access_token="token", authentication=Authentication.OAUTH2)
    challenges = [*asked(b"", b"user=maco\x01auth=Bearer token\x01\x01"), *asked(b'{"status":"401"}', b"")]
    login = [Expect(rb"AUTHENTICATE XOAUTH2"), *challenges, Send(b"TAG NO [AUTHENTICATIONFAILED] no\r\n"), Hang()]
    result, _ = await poll(bench, mail_server_tls, connection, [b"AUTH=XOAUTH2"], login)
    assert (result.stage, result.error) == ("login", "AuthenticationFailedException: [AUTHENTICATIONFAILED] no")
    assert not bench.journal.only(Login).succeeded


async def test_a_token_is_never_sent_as_a_password(bench: Bench, mail_server_tls: ssl.SSLContext) -> None:
    connection = make_connection(access_token="token", authentication=Authentication.OAUTH2)
    result, server = await poll(bench, mail_server_tls, connection, [b"AUTH=PLAIN"], [Hang()])
    assert result.error == "No login methods supported!"
    assert "XOAUTH2, OAUTHBEARER" in result.hint
    assert server.commands == ["CAPABILITY", "STARTTLS", "CAPABILITY"]


@pytest.mark.parametrize("offered", [b"AUTH=CRAM-MD5", b"AUTH=NTLM", b"IDLE"])
async def test_the_login_command_is_left_where_no_plain_mechanism_is_offered(
    bench: Bench, mail_server_tls: ssl.SSLContext, offered: bytes
) -> None:
    login = [*answered(rb'LOGIN "maco" "sesame"'), *opened(exists=0), *found(), *left()]
    result, _ = await poll(bench, mail_server_tls, make_connection(), [offered], login)
    assert result.error == ""


# --- whether the secret was sent ----------------------------------------------------------------------------------

PASSWORD = make_connection()
UNQUOTABLE = make_connection(password='ses"ame')
ENCRYPTED = make_connection(authentication=Authentication.ENCRYPTED)
TOKEN = make_connection(access_token="token", authentication=Authentication.OAUTH2)
NO = Send(b"TAG NO not you\r\n")
ASKED = Send(b"+ \r\n")
LINE = ExpectBytes(base64.b64encode(b"maco") + b"\r\n")
NOT_BASE64 = Send(b"+ !\r\n")


@pytest.mark.parametrize(
    ("connection", "offered", "login", "sent"),
    [
        (PASSWORD, b"AUTH=PLAIN", [Expect(rb"AUTHENTICATE PLAIN"), NO], False),
        (PASSWORD, b"AUTH=PLAIN SASL-IR", [Expect(rb"AUTHENTICATE PLAIN"), NO], False),
        (PASSWORD, b"AUTH=PLAIN", [Expect(rb"AUTHENTICATE PLAIN"), ASKED, ExpectBytes(PLAIN + b"\r\n"), NO], True),
        (PASSWORD, b"AUTH=PLAIN", [Expect(rb"AUTHENTICATE PLAIN"), ASKED, ExpectBytes(PLAIN + b"\r\n")], True),
        (PASSWORD, b"AUTH=LOGIN", [Expect(rb"AUTHENTICATE LOGIN"), NO], False),
        (PASSWORD, b"AUTH=LOGIN", [Expect(rb"AUTHENTICATE LOGIN"), ASKED, LINE, NO], False),
        (PASSWORD, b"AUTH=LOGIN", [Expect(rb"AUTHENTICATE LOGIN"), ASKED, LINE, NOT_BASE64], False),
        (PASSWORD, b"AUTH=LOGIN", [Expect(rb"AUTHENTICATE LOGIN"), ASKED, LINE, *asked(b"", b"sesame"), NO], True),
        (PASSWORD, b"IDLE", [Expect(rb'LOGIN "maco" "sesame"'), NO], True),
        (UNQUOTABLE, b"IDLE", [Expect(rb'LOGIN "maco" \{7\}'), NO], False),
        (UNQUOTABLE, b"IDLE", [Expect(rb'LOGIN "maco" \{7\}'), ASKED, ExpectBytes(b'ses"ame\r\n'), NO], True),
        (ENCRYPTED, b"AUTH=CRAM-MD5", [Expect(rb"AUTHENTICATE CRAM-MD5"), NO], False),
        (TOKEN, b"AUTH=XOAUTH2", [Expect(rb"AUTHENTICATE XOAUTH2"), NO], False),
        (TOKEN, b"AUTH=XOAUTH2", [Expect(rb"AUTHENTICATE XOAUTH2"), ASKED, ExpectBytes(XOAUTH2 + b"\r\n"), NO], True),
        (TOKEN, b"AUTH=XOAUTH2 SASL-IR", [Expect(rb"AUTHENTICATE XOAUTH2 " + XOAUTH2), NO], True),
    ],
)
async def test_a_secret_was_sent_only_if_bytes_that_carry_it_were_written(
    bench: Bench,
    mail_server_tls: ssl.SSLContext,
    connection: EmailConnection,
    offered: bytes,
    login: list[Step],
    *,
    sent: bool,
) -> None:
    await poll(bench, mail_server_tls, connection, offered.split(), login)
    assert bench.journal.only(Login).credentials_sent is sent


async def test_a_digest_of_the_password_is_not_the_password(bench: Bench, mail_server_tls: ssl.SSLContext) -> None:
    # the HMAC of RFC 2195 by `openssl dgst -md5 -hmac sesame`
    digest = base64.b64encode(b"maco 2bc1eecd806073a15c0474c28f42a8cd")
    challenge = Send(b"+ " + base64.b64encode(b"<1@mail>") + b"\r\n")
    login: list[Step] = [Expect(rb"AUTHENTICATE CRAM-MD5"), challenge, ExpectBytes(digest + b"\r\n"), NO]
    await poll(bench, mail_server_tls, ENCRYPTED, [b"AUTH=CRAM-MD5"], login)
    assert not bench.journal.only(Login).credentials_sent
