"""A connection of somebody else through a running lab: SOCKS5, tunnel, and the mail server's greeting."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

from maco_lab.binding import binding_of_running_lab
from maco_lab.lab_file import default_text
from maco_lab.state import StateFolder
from maco_wire import socks5
from tests.maco_lab.processes import Process, wait_until

DEADLINE_S = 20.0


def that_drains(drain_s: float) -> str:
    """Return a lab file whose connections may go on for so long when the lab ends."""
    key = f"drain_s: {drain_s}\n"
    text = default_text().replace("  host: 127.0.0.1\n  socks5", f"  {key}  host: 127.0.0.1\n  socks5", 1)
    text = text.replace("  - name: scc\n", f"  - name: scc\n    {key}", 1)
    assert text.count("drain_s") == 2
    return text


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


def log_out(client: socket.socket) -> None:
    """End an IMAP connection, and close it when the other end has."""
    client.sendall(b"z LOGOUT\r\n")
    while client.recv(4096):
        pass
    client.close()


def begin_to_stop(lab: Process, folder: Path, number: signal.Signals) -> None:
    """Send the signal, and return once nobody is let in any more."""
    lab.child.send_signal(number)
    wait_until_closed(folder)


def wait_until_closed(folder: Path) -> None:
    """Return once the lab that runs in ``folder`` lets nobody in any more."""
    note = StateFolder(folder / ".maco-lab", create=False).read_note()
    assert note is not None
    address = note.addresses["socks5"]

    def is_closed() -> bool:
        with socket.socket() as client:
            return client.connect_ex(address) != 0

    wait_until(is_closed, "the lab lets nobody in")
