from __future__ import annotations

import base64
import contextlib
import smtplib
import socket
import ssl

import pytest

from maco_wire.observation import Handshake, Login, MailAccepted, Starttls, TlsSession
from mailserver_sim.reports import LONGEST_TEXT
from mailserver_sim.settings import Account
from mailserver_sim.smtp.connection import SmtpConnection
from tests.mailserver_sim.conftest import StartServer
from tests.mailserver_sim.running import (
    ADDRESS,
    HOST_NAME,
    OTHER_ADDRESS,
    PASSWORD,
    TIMEOUT_S,
    USER,
    RunningServer,
    mail,
)

SENDER = "netz@nb.example"


def connect(server: RunningServer, protocol: str, *, tls: bool = True) -> smtplib.SMTP:
    host, port = server.address(protocol)
    if protocol == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=server.client_context())
    client = smtplib.SMTP(host, port, timeout=TIMEOUT_S)
    if tls:
        client.starttls(context=server.client_context())
    return client


@pytest.mark.parametrize("protocol", ["smtp", "submission", "smtps"])
def test_mail_arrives_over_every_port(server: RunningServer, protocol: str) -> None:
    with connect(server, protocol) as client:
        if protocol != "smtp":
            client.login(USER, PASSWORD)
        client.sendmail(SENDER, [ADDRESS], mail("over " + protocol))
    (accepted,) = server.recorder.of(MailAccepted)
    assert (accepted.account, accepted.subject) == (USER, "over " + protocol)
    (handshake,) = server.recorder.of(Handshake)
    assert handshake.succeeded
    assert handshake.session is (TlsSession.SMTPS if protocol == "smtps" else TlsSession.SMTP_STARTTLS)
    assert (handshake.local, handshake.peer) == (accepted.local, accepted.peer)


def test_a_mail_is_stored_as_it_was_sent_below_its_trace_fields(server: RunningServer) -> None:
    raw = mail(body=".leading dot\r\nlast")
    with connect(server, "smtp") as client:
        client.sendmail(SENDER, [ADDRESS], raw)
    imap = server.imap()
    imap.select()
    fetched = imap.fetch("1", "(BODY.PEEK[])")[1][0]
    imap.logout()
    assert isinstance(fetched, tuple)
    assert fetched[1].endswith(b"\r\n" + raw)
    trace = fetched[1].removesuffix(raw)
    # RFC 5321, section 4.4: Return-Path and Received; RFC 3848: ESMTPS
    assert trace.startswith(b"Return-Path: <netz@nb.example>\r\nReceived: from ")
    assert b" with ESMTPS; " in trace


def test_the_mx_takes_mail_for_its_own_without_login_and_without_tls(server: RunningServer) -> None:
    with connect(server, "smtp", tls=False) as client:
        assert client.sendmail(SENDER, [ADDRESS], mail()) == {}


OFFERED = (HOST_NAME, "SIZE 67108864", "8BITMIME", "SMTPUTF8")
AUTH = "AUTH LOGIN OAUTHBEARER PLAIN XOAUTH2"


@pytest.mark.parametrize(
    ("protocol", "tls", "more"),
    [
        ("smtp", False, ["STARTTLS", "HELP"]),
        ("smtp", True, ["HELP"]),
        ("submission", False, ["STARTTLS", "HELP"]),
        ("submission", True, [AUTH, "HELP"]),
        ("smtps", True, [AUTH, "HELP"]),
    ],
)
def test_each_port_offers_exactly_what_it_can_do_before_and_after_tls(
    start_server: StartServer, protocol: str, more: list[str], *, tls: bool
) -> None:
    """What each of them does has tests: SIZE, AUTH and STARTTLS below, SMTPUTF8 in its own module."""
    server = start_server(accounts=(Account(USER, PASSWORD, (ADDRESS,), tokens=("token",)),))
    with connect(server, protocol, tls=tls) as client:
        assert client.ehlo()[1].decode("ascii").splitlines() == [*OFFERED, *more]


@pytest.mark.parametrize(("protocol", "tls"), [("smtp", False), ("smtp", True), ("submission", True), ("smtps", True)])
def test_each_port_tells_its_commands_by_help(server: RunningServer, protocol: str, *, tls: bool) -> None:
    with connect(server, protocol, tls=tls) as client:
        client.ehlo()
        assert b" MAIL " in client.docmd("HELP")[1]
        assert b"MAIL FROM" in client.docmd("HELP MAIL")[1]


@pytest.mark.parametrize("protocol", ["smtp", "submission", "smtps"])
def test_a_mail_of_eight_bits_arrives_as_it_is(server: RunningServer, protocol: str) -> None:
    raw = mail(body="Zählerstände")
    assert not raw.isascii()
    with connect(server, protocol) as client:
        if protocol != "smtp":
            client.login(USER, PASSWORD)
        client.sendmail(SENDER, [ADDRESS], raw, mail_options=["BODY=8BITMIME"])  # RFC 6152, section 3
        client.mail(SENDER, ["BODY=7BIT"])
        client.rset()
        assert client.docmd(f"MAIL FROM:<{SENDER}> BODY=9BIT")[0] == 501
    with server.imap() as imap:
        imap.select()
        fetched = imap.fetch("1", "(BODY.PEEK[])")[1][0]
    assert isinstance(fetched, tuple)
    assert fetched[1].endswith(b"\r\n" + raw)


def test_the_mx_offers_no_login(server: RunningServer) -> None:
    with connect(server, "smtp") as client:
        client.ehlo()
        assert "auth" not in client.esmtp_features


@pytest.mark.parametrize(
    ("address", "answer"),
    [("nobody@stadtwerke.example", b"550 5.1.1"), ("x@elsewhere.example", b"550 5.7.1")],
)
@pytest.mark.parametrize("protocol", ["smtp", "submission"])
def test_unknown_recipients_and_relaying_are_refused(
    server: RunningServer, protocol: str, address: str, answer: bytes
) -> None:
    with connect(server, protocol) as client:
        if protocol == "submission":
            client.login(USER, PASSWORD)
        client.ehlo()
        client.mail(SENDER)
        code, text = client.rcpt(address)
    assert b"%d %b" % (code, text) >= answer
    assert (b"%d %b" % (code, text)).startswith(answer)


@pytest.mark.parametrize("broken", ["<", '<"', "<@[ ", "=.@", "<\\\\=@[,", "<:;,>"])
def test_a_broken_address_is_refused_and_is_no_failure_of_the_server(server: RunningServer, broken: str) -> None:
    with connect(server, "smtp") as client:
        client.ehlo()
        assert client.docmd(f"MAIL FROM:{broken}")[0] == 553  # RFC 5321, section 4.2.3
        client.mail(SENDER)
        assert client.docmd(f"RCPT TO:{broken}")[0] == 553
        assert client.docmd(f"VRFY {broken}")[0] == 502


def test_submission_before_tls_offers_no_auth_and_takes_no_mail(server: RunningServer) -> None:
    with connect(server, "submission", tls=False) as client:
        client.ehlo()
        assert "auth" not in client.esmtp_features
        assert "starttls" in client.esmtp_features
        assert client.docmd("AUTH PLAIN AGEAYg==")[0] == 530  # RFC 3207, section 4
        assert client.docmd(f"MAIL FROM:<{SENDER}>")[0] == 530


@pytest.mark.parametrize("protocol", ["submission", "smtps"])
def test_submission_without_login_takes_no_mail(server: RunningServer, protocol: str) -> None:
    with connect(server, protocol) as client:
        client.ehlo()
        assert client.docmd(f"MAIL FROM:<{SENDER}>")[0] == 530  # RFC 4954, section 6


def test_a_wrong_password_is_refused_and_reported(server: RunningServer) -> None:
    with connect(server, "submission") as client:
        with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
            client.login(USER, "wrong")
        assert caught.value.smtp_code == 535
    logins = server.recorder.of(Login)
    assert logins
    assert {(each.protocol, each.succeeded, each.in_clear) for each in logins} == {("SMTP", False, False)}


def test_an_old_server_takes_a_login_in_clear(start_server: StartServer) -> None:
    server = start_server(offer_starttls=False)
    with connect(server, "submission", tls=False) as client:
        client.login(USER, PASSWORD)
        assert "starttls" not in client.esmtp_features
        client.sendmail(SENDER, [ADDRESS], mail())
    assert [each.in_clear for each in server.recorder.of(Login)] == [True]


def test_one_mail_to_two_accounts_is_in_both(server: RunningServer) -> None:
    with connect(server, "smtp") as client:
        client.sendmail(SENDER, [ADDRESS, OTHER_ADDRESS], mail())
    assert {each.account for each in server.recorder.of(MailAccepted)} == {"edifact", "lieferant"}


def test_plaintext_behind_starttls_ends_the_connection_and_is_reported(server: RunningServer) -> None:
    with server.raw("smtp") as client:
        client.send(b"EHLO x\r\n")
        while not client.line().startswith(b"250 "):
            pass
        client.send(b"STARTTLS\r\nMAIL FROM:<a@b.example>\r\n")
        rest = client.rest()
    assert rest.startswith(b"554 ")
    assert b"250" not in rest
    assert [each.step for each in server.recorder.of(Starttls)] == ["asked", "injected"]


def test_plaintext_behind_starttls_in_a_packet_of_its_own_breaks_the_handshake(server: RunningServer) -> None:
    with server.raw("smtp") as client:
        client.send(b"EHLO x\r\n")
        while not client.line().startswith(b"250 "):
            pass
        client.send(b"STARTTLS\r\n")
        assert client.line().startswith(b"220 ")
        client.send(b"MAIL FROM:<a@b.example>\r\n")
        assert b"250" not in client.rest_or_reset()
    (handshake,) = server.recorder.wait_for(Handshake)
    assert (handshake.session, handshake.succeeded) == (TlsSession.SMTP_STARTTLS, False)
    assert server.recorder.of(MailAccepted) == []


def test_a_mail_over_the_limit_is_refused(start_server: StartServer) -> None:
    server = start_server(max_message_bytes=10_000)
    with connect(server, "smtp") as client:
        with pytest.raises(smtplib.SMTPSenderRefused) as caught:  # by the announced SIZE
            client.sendmail(SENDER, [ADDRESS], mail(body="x" * 900 + ("\r\n" + "x" * 900) * 20))
        assert caught.value.smtp_code == 552
        client.rset()
        client.mail(SENDER)
        client.rcpt(ADDRESS)
        assert client.data(("x" * 900 + "\r\n") * 20)[0] == 552
    assert server.recorder.of(MailAccepted) == []


def test_a_mail_without_end_is_cut_off(start_server: StartServer) -> None:
    server = start_server(max_message_bytes=10_000)
    with server.raw("smtp") as client:
        for line in (b"EHLO x", b"MAIL FROM:<a@b.example>", b"RCPT TO:<" + ADDRESS.encode() + b">", b"DATA"):
            client.send(line + b"\r\n")
        with pytest.raises(ConnectionError):  # noqa: PT012 - the server closes at some point of it
            for _ in range(1000):
                client.send(b"x" * 100_000)


def test_a_client_that_refuses_our_certificate_is_a_failed_handshake(server: RunningServer) -> None:
    with smtplib.SMTP(*server.address("smtp"), timeout=TIMEOUT_S) as client:
        with pytest.raises(ssl.SSLCertVerificationError):
            client.starttls(context=ssl.create_default_context())
        client.close()
    plain = socket.create_connection(server.address("smtps"), TIMEOUT_S)
    with pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context().wrap_socket(plain, server_hostname=HOST_NAME)
    handshakes = server.recorder.wait_for(Handshake, 2)
    assert [(each.session, each.succeeded, each.alert_received) for each in handshakes] == [
        (TlsSession.SMTP_STARTTLS, False, "unknown_ca"),
        (TlsSession.SMTPS, False, "unknown_ca"),
    ]


def test_stop_ends_smtp_connections_too(start_server: StartServer) -> None:
    server = start_server()
    with server.raw("smtp") as client:
        server.stop()
        assert client.rest().startswith(b"421 ")


def test_the_third_refused_login_ends_the_connection(server: RunningServer) -> None:
    wrong, right = (base64.b64encode(f"\0{USER}\0{password}".encode()).decode() for password in ("wrong", PASSWORD))
    with connect(server, "submission") as client:
        client.ehlo()
        assert client.docmd(f"AUTH PLAIN {wrong}")[0] == 535
        assert client.docmd(f"AUTH PLAIN {wrong}")[0] == 535
        client.send(f"AUTH PLAIN {wrong}\r\nAUTH PLAIN {right}\r\nAUTH PLAIN {wrong}\r\n")
        assert client.getreply()[0] == 421  # RFC 5321, section 3.8
        assert client.file is not None
        assert all(line.startswith(b"421 ") for line in client.file.read().splitlines())  # up to the end
        client.close()
    assert [each.succeeded for each in server.recorder.of(Login)] == [False] * 3


def test_a_long_user_name_and_a_long_subject_are_reported_shortened(start_server: StartServer) -> None:
    server = start_server(offer_starttls=False)
    with connect(server, "submission", tls=False) as client:
        client.ehlo()
        client.docmd("AUTH PLAIN " + base64.b64encode(b"\0" + b"u" * 300 + b"\0x").decode())
        client.login(USER, PASSWORD)
        client.sendmail(SENDER, [ADDRESS], mail("s" * 300))
    assert server.recorder.of(Login)[0].user == "u" * (LONGEST_TEXT - 1) + "…"
    assert server.recorder.of(MailAccepted)[0].subject == "s" * (LONGEST_TEXT - 1) + "…"


def test_a_client_that_reads_nothing_is_closed_all_the_same(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailserver_sim.smtp.connection.LINGER_S", 0.1)
    server = start_server(smtp_timeout_s=0.5)
    with server.raw("smtp") as client:
        (connection,) = server.server._connections
        assert isinstance(connection, SmtpConnection)
        transport = connection.transport
        assert transport is not None
        # few answers fill it
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        client.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connection.settimeout(0.3)
        with contextlib.suppress(OSError):
            while True:
                client.send(b"EHLO x\r\n" * 100)
        assert server.loop.run(server.server._connections.all_gone(20))
