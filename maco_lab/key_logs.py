"""TLS keys of the lab's own parties, as lines of the NSS key log format that Wireshark reads.

Off unless the composition root makes a ``KeyLogs``: no party knows of it, and nothing reads ``SSLKEYLOGFILE``. Whoever
has these lines and the bytes of a wire reads everything, so they stay in a folder that nobody else can open.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from pathlib import Path

from maco_wire.observation import Party

OnKeyLine = Callable[[object, bytes], None]
"""What pyOpenSSL calls: the connection, and a line without its end."""


class KeyLogs:
    """One file for each party, 0600, in a private folder."""

    def __init__(self, folder: Path) -> None:
        """Make ``folder`` (0700) if it is not there."""
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder

    def keep(self, context: ssl.SSLContext, party: Party) -> None:
        """Let the sessions that ``party`` begins with ``context`` from now on log their keys."""
        context.keylog_filename = str(self._file(party))

    def on_key_line(self, party: Party) -> OnKeyLine:
        """Return the same for pyOpenSSL's ``Context.set_keylog_callback``."""
        file = self._file(party)

        def write(_: object, line: bytes) -> None:
            with file.open("ab", buffering=0) as log:
                log.write(line + b"\n")

        return write

    def of(self, party: Party) -> tuple[bytes, ...]:
        """Return the lines that one party has logged, without comments."""
        try:
            written = self._path(party).read_bytes()
        except FileNotFoundError:
            return ()
        return tuple(line for line in written.splitlines() if line and not line.startswith(b"#"))

    def lines(self) -> tuple[bytes, ...]:
        """Return the lines of all parties; what both ends of a session logged comes once."""
        return tuple(dict.fromkeys(line for party in Party for line in self.of(party)))

    def _file(self, party: Party) -> Path:
        """Return the file of a party; it is there before OpenSSL opens it, which would let others read it."""
        path = self._path(party)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        return path

    def _path(self, party: Party) -> Path:
        return self._folder / f"{party.value.lower().replace(' ', '-')}.keys"
