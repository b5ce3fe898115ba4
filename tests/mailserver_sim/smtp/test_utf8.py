from __future__ import annotations

import smtplib
from email.message import EmailMessage

import pytest

from maco_wire.observation import MailAccepted
from mailserver_sim.settings import Account
from tests.mailserver_sim.conftest import StartServer
from tests.mailserver_sim.running import ADDRESS, PASSWORD, TIMEOUT_S, USER, RunningServer

SENDER, RECIPIENT = "zählwerk@nb.example", "jürgen@bücher.example"


@pytest.fixture
def utf8_server(start_server: StartServer) -> RunningServer:
    return start_server(accounts=(Account(USER, PASSWORD, (ADDRESS, RECIPIENT)),))


def connect(server: RunningServer, protocol: str = "smtp") -> smtplib.SMTP:
    if protocol == "smtps":
        address = server.address(protocol)
        client: smtplib.SMTP = smtplib.SMTP_SSL(*address, timeout=TIMEOUT_S, context=server.client_context())
    else:
        client = smtplib.SMTP(*server.address(protocol), timeout=TIMEOUT_S)
    client.command_encoding = "utf-8"
    client.ehlo()
    return client


def message() -> EmailMessage:
    composed = EmailMessage()
    composed["From"], composed["To"], composed["Subject"] = SENDER, RECIPIENT, "Zählerstände"
    composed.set_content("Straße\n", cte="8bit")
    return composed


@pytest.mark.parametrize(
    ("protocol", "logs_in", "name"), [("smtp", False, b"UTF8SMTP"), ("smtps", True, b"UTF8SMTPSA")]
)
def test_a_mail_in_utf8_is_delivered_reported_and_read_as_it_was_sent(
    utf8_server: RunningServer, protocol: str, name: bytes, *, logs_in: bool
) -> None:
    with connect(utf8_server, protocol) as client:
        if logs_in:
            client.login(USER, PASSWORD)
        assert client.send_message(message()) == {}  # smtplib sends BODY=8BITMIME SMTPUTF8 for such addresses
    (accepted,) = utf8_server.recorder.of(MailAccepted)
    assert accepted.subject == "Zählerstände"

    with utf8_server.imap() as imap:
        imap.select()
        fetched = imap.fetch("1", "(BODY.PEEK[])")[1][0]
        found = imap.uid("SEARCH", "CHARSET UTF-8 SUBJECT", '"Zählerstände"'.encode())[1]  # type: ignore[arg-type]
    assert found == [b"1"]
    assert isinstance(fetched, tuple)
    trace, _, sent = fetched[1].partition(b"From: ")
    assert trace.startswith(f"Return-Path: <{SENDER}>\r\nReceived: from ".encode())
    assert b" with %b; " % name in trace  # RFC 6531, section 4.3
    header = f"{SENDER}\r\nTo: {RECIPIENT}\r\nSubject: Zählerstände\r\n"
    assert sent.startswith(header.encode())
    assert sent.endswith("\r\n\r\nStraße\r\n".encode())


def test_a_domain_is_the_same_in_both_its_spellings(utf8_server: RunningServer) -> None:
    with connect(utf8_server) as client:
        client.mail("a@nb.example", ["SMTPUTF8"])
        assert client.docmd("RCPT TO:<jürgen@xn--bcher-kva.example>")[0] == 250  # RFC 6531, section 3.2
        assert client.docmd("RCPT TO:<JÜRGEN@BÜCHER.example>")[0] == 250


def test_an_ascii_mail_may_be_declared_utf8_too(server: RunningServer) -> None:
    with connect(server) as client:
        client.mail("a@nb.example", ["SMTPUTF8"])
        assert client.rcpt(ADDRESS)[0] == 250


def test_addresses_beyond_ascii_need_the_parameter(utf8_server: RunningServer) -> None:
    with connect(utf8_server) as client:
        code, text = client.docmd(f"MAIL FROM:<{SENDER}>")
        assert (code, text[:5]) == (550, b"5.6.7")  # RFC 6531, section 3.5
        client.mail("a@nb.example")
        code, text = client.docmd(f"RCPT TO:<{RECIPIENT}>")
        assert (code, text[:5]) == (553, b"5.6.7")


@pytest.mark.parametrize(
    "command",
    [
        b"MAIL FROM:<z\xe4hler@nb.example> SMTPUTF8",  # Latin-1
        b"MAIL FROM:<a@nb.example> SMTPUTF8=x",
        "MAIL FROM:<a@nb.example> SIZE=²".encode(),
        "MAIL FROM:<a@nb.example> Größe=1".encode(),
        "EHLO zähler".encode(),
        "NOOP ä".encode(),
        b"VRFY \xff",
    ],
)
def test_other_bytes_are_a_syntax_error(server: RunningServer, command: bytes) -> None:
    with server.raw("smtp") as client:
        client.send(b"EHLO x\r\n")
        while not client.line().startswith(b"250 "):
            pass
        client.send(command + b"\r\n")
        assert client.line().startswith(b"501 ")
