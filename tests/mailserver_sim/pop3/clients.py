"""A POP3 client that has logged in, by the standard library and as plain lines."""

from __future__ import annotations

import poplib
import socket

from tests.mailserver_sim.running import HOST_NAME, PASSWORD, TIMEOUT_S, USER, RawClient, RunningServer


def pop3s(server: RunningServer, *, login: bool = True) -> poplib.POP3_SSL:
    host, port = server.address("pop3s")
    client = poplib.POP3_SSL(host, port, timeout=TIMEOUT_S, context=server.client_context())
    if login:
        client.user(USER)
        client.pass_(PASSWORD)
    return client


def raw_pop3s(server: RunningServer) -> RawClient:
    """Return a TLS socket past the greeting."""
    plain = socket.create_connection(server.address("pop3s"), TIMEOUT_S)
    client = RawClient(server.client_context().wrap_socket(plain, server_hostname=HOST_NAME))
    client.line()
    return client


def ask(client: RawClient, line: bytes) -> bytes:
    client.send(line + b"\r\n")
    return client.line()


def ask_long(client: RawClient, line: bytes) -> list[bytes]:
    """Return the lines of a reply of many, without the first and the dot."""
    assert ask(client, line).startswith(b"+OK")
    lines: list[bytes] = []
    while (received := client.line()) != b".":
        lines.append(received)
    return lines


def log_in(client: RawClient) -> RawClient:
    assert ask(client, b"USER " + USER.encode()).startswith(b"+OK")
    assert ask(client, b"PASS " + PASSWORD.encode()).startswith(b"+OK")
    return client
