"""Every fault of SMTP as smtplib sees it: once, and then the server has recovered."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator

import pytest

from tests.mailserver_sim.faults.test_imap import assert_struck, break_at, connected
from tests.mailserver_sim.running import ADDRESS, HOST_NAME, PASSWORD, USER, RunningServer, mail


@pytest.fixture
def client(server: RunningServer) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP(*server.address("submission"), timeout=10) as client:
        client._host = HOST_NAME  # type: ignore[attr-defined]  # the name that starttls() checks
        yield client


def test_a_connection_is_refused_in_the_greeting(server: RunningServer) -> None:
    break_at(server, "greeting.bye", protocol="smtp")

    with connected(server, "smtp") as refused:
        assert refused.rest() == b"421 4.3.2 Not now\r\n"
    with connected(server, "smtp") as greeted:
        assert greeted.line().startswith(b"220 ")
    assert_struck(server, "greeting.bye")


@pytest.mark.parametrize("step", ["starttls.not_offered", "starttls.stripped"])
def test_starttls_is_missing_once(server: RunningServer, client: smtplib.SMTP, step: str) -> None:
    break_at(server, step)

    client.ehlo()
    assert not client.has_extn("starttls")
    client.ehlo()
    assert client.has_extn("starttls")
    assert_struck(server, step)


@pytest.mark.parametrize(("answer", "code"), [("NO", 454), ("BAD", 501)])
def test_starttls_is_refused_once_with(server: RunningServer, client: smtplib.SMTP, answer: str, code: int) -> None:
    break_at(server, "starttls.refused", answer=answer)
    client.ehlo()

    assert client.docmd("STARTTLS")[0] == code
    assert client.starttls(context=server.client_context())[0] == 220
    assert_struck(server, "starttls.refused")


def test_a_line_is_injected_behind_the_answer_to_starttls(server: RunningServer) -> None:
    break_at(server, "starttls.injected", text="250 injected")

    with server.raw("submission") as client:
        client.send(b"EHLO x\r\n")
        while client.line()[3:4] == b"-":
            pass
        client.send(b"STARTTLS\r\n")
        assert (client.line()[:3], client.line()) == (b"220", b"250 injected")
    assert_struck(server, "starttls.injected")


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_handshake_of_starttls_is_broken_with_a(server: RunningServer, client: smtplib.SMTP, how: str) -> None:
    break_at(server, "handshake.broken", how=how)

    with pytest.raises(ssl.SSLEOFError if how == "close" else ConnectionResetError):
        client.starttls(context=server.client_context())
    client.close()
    assert_struck(server, "handshake.broken")


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_handshake_of_smtps_is_broken_with_a(server: RunningServer, how: str) -> None:
    break_at(server, "handshake.broken", how=how)

    with pytest.raises(ssl.SSLEOFError if how == "close" else ConnectionResetError):
        smtplib.SMTP_SSL(*server.address("smtps"), context=server.client_context(), timeout=10)
    with smtplib.SMTP_SSL(*server.address("smtps"), context=server.client_context(), timeout=10) as client:
        assert client.noop()[0] == 250
    assert_struck(server, "handshake.broken")


def test_a_login_fails_once_whatever_the_password(server: RunningServer, client: smtplib.SMTP) -> None:
    break_at(server, "login.refused")
    client.starttls(context=server.client_context())
    client.ehlo()

    client.user, client.password = USER, PASSWORD

    with pytest.raises(smtplib.SMTPAuthenticationError):
        client.auth("PLAIN", client.auth_plain)
    assert client.auth("PLAIN", client.auth_plain)[0] == 235
    assert_struck(server, "login.refused")


@pytest.mark.parametrize(("step", "code"), [("mailbox.locked", 450), ("mailbox.over_quota", 552)])
def test_a_recipient_is_refused_once(server: RunningServer, step: str, code: int) -> None:
    break_at(server, step)

    with smtplib.SMTP(*server.address("smtp"), timeout=10) as client:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
            client.sendmail("netz@nb.example", ADDRESS, mail())
        assert caught.value.recipients[ADDRESS][0] == code
        assert client.sendmail("netz@nb.example", ADDRESS, mail()) == {}
    assert_struck(server, step)


@pytest.mark.parametrize(
    ("step", "values"), [("answer.slow", {"delay_s": 0.01}), ("answer.dripping", {"bytes": 2, "pause_s": 0.001})]
)
def test_an_answer_comes_late_or_in_drops_and_whole(
    server: RunningServer, client: smtplib.SMTP, step: str, values: dict[str, float]
) -> None:
    break_at(server, step, **values)

    assert client.noop() == (250, b"OK")
    assert client.noop() == (250, b"OK")
    assert_struck(server, step)
