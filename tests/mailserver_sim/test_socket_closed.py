"""The mail server reports how many bytes each connection has carried: as many as the client's kernel has counted."""

from __future__ import annotations

import imaplib
import smtplib
import socket
import ssl
import sys
from typing import Any

import pytest

from maco_net.socket_bytes import SocketBytes, socket_bytes
from maco_wire.observation import SocketClosed
from tests.mailserver_sim.running import ADDRESS, PASSWORD, USER, RunningServer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone counts on the client's side")


def until_the_server_has_closed(sock: Any) -> SocketBytes:
    """Read to the end; with TLS a client answers a close_notify."""
    plain = sock.unwrap() if isinstance(sock, ssl.SSLSocket) else sock
    while plain.recv(4096):
        pass
    return socket_bytes(plain)


def talk_imap(server: RunningServer, protocol: str) -> SocketBytes:
    host, port = server.address(protocol)
    if protocol == "imaps":
        client: imaplib.IMAP4 = imaplib.IMAP4_SSL(host, port, ssl_context=server.client_context())
    else:
        client = imaplib.IMAP4(host, port)
        client.starttls(server.client_context())
    try:
        client.login(USER, PASSWORD)
        client.select()
        client.send(b"last LOGOUT\r\n")
        while not client.readline().startswith(b"last OK"):
            pass
        return until_the_server_has_closed(client.sock)
    finally:
        client.shutdown()


def talk_smtp(server: RunningServer, protocol: str) -> SocketBytes:
    host, port = server.address(protocol)
    if protocol == "smtps":
        client: smtplib.SMTP = smtplib.SMTP_SSL(host, port, context=server.client_context())
    else:
        client = smtplib.SMTP(host, port)
    try:
        if protocol == "submission":
            client.starttls(context=server.client_context())
        if protocol != "smtp":
            client.login(USER, PASSWORD)
        client.sendmail(ADDRESS, [ADDRESS], b"Subject: bytes\r\n\r\n" + (b"x" * 98 + b"\r\n") * 1_000)
        client.docmd("QUIT")
        return until_the_server_has_closed(client.sock)
    finally:
        client.close()


@pytest.mark.parametrize("protocol", ["imap", "imaps", "smtp", "submission", "smtps"])
def test_both_ends_of_a_connection_count_the_same(server: RunningServer, protocol: str) -> None:
    talk = talk_imap if protocol.startswith("imap") else talk_smtp

    at_client = talk(server, protocol)

    (closed,) = server.recorder.wait_for(SocketClosed)
    assert (closed.bytes_sent, closed.bytes_received) == (at_client.received, at_client.sent)
    assert closed.local == server.address(protocol)
    assert at_client.sent is not None
    assert at_client.sent > (100_000 if talk is talk_smtp else 100)


@pytest.mark.parametrize("protocol", ["imap", "imaps", "smtp", "smtps"])
def test_a_client_that_leaves_at_once_is_counted_once(server: RunningServer, protocol: str) -> None:
    with socket.create_connection(server.address(protocol)) as client:
        client.sendall(b"x")
        client.shutdown(socket.SHUT_WR)
        while client.recv(4096):
            pass

    server.stop()
    (closed,) = server.recorder.of(SocketClosed)
    assert (closed.bytes_received, closed.peer_ended) == (1, True)
