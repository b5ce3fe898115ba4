"""A cloud application's connection through the running lab: SOCKS5 by a token, then whatever the back end says."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from maco_lab.testing.lab import Lab
from maco_wire import socks5

DEADLINE_S = 20.0
MAIL_HOST = "mail.stadtwerke.example"


@dataclass
class Connection:
    """What came of a connection: the SOCKS5 reply, and the first line of the mail server."""

    reply: int
    greeting: bytes
    socket: socket.socket

    def says(self, command: bytes) -> bytes:
        """Send an IMAP command and return the first answer; nothing if the connection is gone."""
        try:
            self.socket.sendall(command + b"\r\n")
            return self.socket.recv(4096)
        except ConnectionError:
            return b""


@contextlib.contextmanager
def connection(
    lab: Lab, host: str = MAIL_HOST, port: int = 143, *, client_id: str = "maco", location_id: str = "WERK1"
) -> Iterator[Connection]:
    """Connect by a client's token; a refusal is a result too."""
    cloud = lab.running.cloud
    client = next(each for each in cloud.settings.clients if each.client_id == client_id)
    token = cloud.tokens.issue(client)
    machine = socks5.Socks5Client(token=token, location_id=location_id, host=host, port=port)
    with socket.create_connection(cloud.socks5_address, timeout=DEADLINE_S) as plain:
        events: list[socks5.ClientEvent] = []
        while not events or isinstance(events[-1], socks5.MethodAccepted | socks5.Authenticated):
            plain.sendall(machine.data_to_send())
            data = plain.recv(4096)
            assert data, "the lab closed the connection"
            events += machine.receive_data(data)
        if isinstance(events[-1], socks5.ConnectRefused):
            yield Connection(events[-1].reply, b"", plain)
            return
        assert isinstance(events[-1], socks5.Connected), events
        greeting = machine.trailing_data
        while not greeting.endswith(b"\r\n"):
            data = plain.recv(4096)
            assert data, "the back end closed the connection"
            greeting += data
        yield Connection(0, greeting, plain)


def reply(lab: Lab, host: str = MAIL_HOST, port: int = 143, *, client_id: str = "maco") -> int:
    """Connect, and return the SOCKS5 reply alone."""
    with connection(lab, host, port, client_id=client_id) as opened:
        return opened.reply
