"""A connection of somebody else through a running lab: SOCKS5, tunnel, and the mail server's greeting."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

from maco_lab.binding import binding_of_running_lab
from maco_lab.state import StateFolder
from maco_wire import socks5

DEADLINE_S = 20.0


@contextlib.contextmanager
def connection(folder: Path, host: str = "mail.stadtwerke.example", port: int = 143) -> Iterator[socket.socket]:
    """Yield a connection through the lab that runs in ``folder``, behind the greeting."""
    note = StateFolder(folder / ".maco-lab", create=False).read_note()
    assert note is not None
    binding = binding_of_running_lab(note)
    token = asyncio.run(binding.token_source().token())
    machine = socks5.Socks5Client(token=token, location_id=binding.location_id, host=host, port=port)
    with socket.create_connection((binding.proxy.host, binding.proxy.port), timeout=DEADLINE_S) as client:
        events: list[socks5.ClientEvent] = []
        while not events or isinstance(events[-1], socks5.MethodAccepted | socks5.Authenticated):
            client.sendall(machine.data_to_send())
            data = client.recv(4096)
            assert data, "the lab closed the connection"
            events += machine.receive_data(data)
        assert isinstance(events[-1], socks5.Connected), events
        greeting = machine.trailing_data
        while not greeting.endswith(b"\r\n"):
            greeting += client.recv(4096)
        yield client


def said(client: socket.socket, command: bytes) -> bytes:
    """Send an IMAP command and return its first answer; nothing if the connection is gone."""
    try:
        client.sendall(command + b"\r\n")
        return client.recv(4096)
    except ConnectionError:
        return b""
