"""The load: an IMAP client that does next to nothing, and mails by SMTP from several clients at once."""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from typing import Self

from benchmarks.mailserver.trust import HOST_NAME
from benchmarks.relay.generator.opening import LoadError
from maco_wire.observation import Address

TIMEOUT_S = 60
_CHUNK = 1 << 20
_LONGEST_END = 2000
"""Of the last line of an answer; Dovecot tells its capabilities with OK."""
_TAG = b"t"
_DONE = re.compile(rb"(?:\A|\n)t (OK|NO|BAD)[^\r\n]*\r\n\Z")


class ImapClient:
    """One connection; answers are counted and thrown away."""

    def __init__(self, address: Address, *, tls: ssl.SSLContext | None = None) -> None:
        self._socket = socket.create_connection(address, TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self._socket = tls.wrap_socket(self._socket, server_hostname=HOST_NAME)
        self._buffer = bytearray(_CHUNK)
        self.last = b""
        """The end of the last answer."""
        if not self._socket.recv(_CHUNK).startswith(b"* OK"):
            raise LoadError("no greeting")

    def login(self, user: str, password: str, mailbox: str = "INBOX") -> None:
        """Log in and open a mailbox."""
        self.command(f"LOGIN {user} {password}".encode())
        if mailbox:
            self.command(b"SELECT " + mailbox.encode())

    def command(self, line: bytes) -> int:
        """Carry out a command and return how many bytes its answer had. Raises LoadError if it was refused."""
        self._socket.sendall(_TAG + b" " + line + b"\r\n")
        return self._answer(line)

    def append(self, mails: Sequence[bytes]) -> None:
        """Add mails by one command, of which more than one needs MULTIAPPEND (RFC 3502)."""
        line = b"t APPEND INBOX"
        for raw in mails:
            self._socket.sendall(line + b" {%d}\r\n" % len(raw))
            if not self._socket.recv(_CHUNK).startswith(b"+"):
                raise LoadError("a literal was refused")
            self._socket.sendall(raw)
            line = b""
        self._socket.sendall(b"\r\n")
        self._answer(b"APPEND")

    def has(self, capability: bytes) -> bool:
        """Tell whether the server announces a capability."""
        self.command(b"CAPABILITY")
        return capability in self.last.split()

    def close(self) -> None:
        """Close."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answer(self, line: bytes) -> int:
        total, end = 0, b""
        view = memoryview(self._buffer)
        while True:
            count = self._socket.recv_into(view)
            if not count:
                raise LoadError(f"the connection ended during {line[:40]!r}")
            total += count
            end = (end + bytes(view[max(0, count - _LONGEST_END) : count]))[-_LONGEST_END:]
            found = _DONE.search(end)
            if found is not None:
                self.last = end
                if found[1] != b"OK":
                    raise LoadError(f"{line[:40]!r}: {end[-100:]!r}")
                return total


def deliver(address: Address, sender: str, recipient: str, mails: Sequence[bytes], clients: int) -> float:
    """Deliver all mails by so many SMTP clients at once and return how long it took."""
    failures: list[Exception] = []

    def work(own: Sequence[bytes]) -> None:
        try:
            _deliver(address, sender, recipient, own)
        except (OSError, LoadError) as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(mails[number::clients],)) for number in range(clients)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise LoadError(str(failures[0]))
    return time.monotonic() - began


def _deliver(address: Address, sender: str, recipient: str, mails: Sequence[bytes]) -> None:
    with socket.create_connection(address, TIMEOUT_S) as connection, connection.makefile("rb") as lines:

        def say(data: bytes, code: bytes) -> None:
            connection.sendall(data)
            while (line := lines.readline())[3:4] == b"-":
                pass
            if not line.startswith(code):
                raise LoadError(line.decode("ascii", "replace"))

        say(b"", b"220")
        say(b"EHLO benchmark\r\n", b"250")
        for raw in mails:
            say(f"MAIL FROM:<{sender}>\r\n".encode(), b"250")
            say(f"RCPT TO:<{recipient}>\r\n".encode(), b"250")
            say(b"DATA\r\n", b"354")
            say(raw + b".\r\n", b"250")  # no line of these mails begins with a dot
        say(b"QUIT\r\n", b"221")
