"""Where the lab's own parties log their TLS keys while the lab is tapped: files that only their owner can read.

The servers' logs name a session by who ended it; the clients' open it for a capture even where the mail server is not
the lab's own. Nothing is logged without taps, and no party reads ``SSLKEYLOGFILE``.
"""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import Callable
from pathlib import Path

from OpenSSL import SSL

from maco_lab.taps.key_log import KeyLogs
from maco_wire.observation import Party

_SERVERS = (Party.CONNECTIVITY, Party.MAIL_SERVER)


class KeyFiles:
    """One file for each party, in a folder that is private already."""

    def __init__(self, folder: Path, *, create: bool = True) -> None:
        """Make the files; with ``create`` False they are there, and another process reads them."""
        self.folder = folder
        self._files = {party: folder / f"{party.value.lower().replace(' ', '-')}.keys" for party in Party}
        for file in self._files.values() if create else ():
            os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        self._appended_to = contextlib.ExitStack()

    def close(self) -> None:
        """Close what this process appends to by itself; nothing may be logged any more."""
        self._appended_to.close()

    def log_from(self, context: ssl.SSLContext, party: Party) -> None:
        """Let all sessions of a context be logged. OpenSSL appends to the file that is there with its rights."""
        context.keylog_filename = str(self._files[party])

    def pyopenssl_callback(self, party: Party) -> Callable[[SSL.Connection, bytes], None]:
        """Return the same for pyOpenSSL's ``set_keylog_callback``."""
        opened = self._appended_to.enter_context(self._files[party].open("ab", buffering=0))

        def log(_: SSL.Connection, line: bytes) -> None:
            opened.write(line + b"\n")

        return log

    def read(self) -> KeyLogs:
        """Return what the servers have logged so far."""
        return {party: self._files[party].read_text("ascii", "replace") for party in _SERVERS}

    def of(self, party: Party) -> tuple[bytes, ...]:
        """Return the lines that one party has logged so far, without comments."""
        return tuple(line for line in self._files[party].read_bytes().splitlines() if line and line[:1] != b"#")

    def lines(self) -> tuple[bytes, ...]:
        """Return the lines of all parties; what both ends of a session logged comes once."""
        return tuple(dict.fromkeys(line for party in Party for line in self.of(party)))
