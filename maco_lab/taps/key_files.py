"""Where the lab's own TLS servers log their keys while the lab is tapped: files that only their owner can read.

The servers' logs are enough: in every TLS session of the landscape the server is the tunnel endpoint or the mail
server. Nothing is logged without taps.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from pathlib import Path

from OpenSSL import SSL

from maco_lab.taps.key_log import KeyLogs
from maco_wire.observation import Party

_NAMES = {Party.CONNECTIVITY: "connectivity-service.keys", Party.MAIL_SERVER: "mail-server.keys"}


class KeyFiles:
    """One file for each party that is a TLS server, in a folder that is private already."""

    def __init__(self, folder: Path) -> None:
        self._files = {party: folder / name for party, name in _NAMES.items()}
        for file in self._files.values():
            os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))

    def log_from(self, context: ssl.SSLContext, party: Party) -> None:
        """Let all sessions of a context be logged. OpenSSL appends to the file that is there with its rights."""
        context.keylog_filename = str(self._files[party])

    def pyopenssl_callback(self, party: Party) -> Callable[[SSL.Connection, bytes], None]:
        """Return the same for pyOpenSSL's ``set_keylog_callback``."""
        file = self._files[party]

        def log(_: SSL.Connection, line: bytes) -> None:
            with file.open("ab") as opened:
                opened.write(line + b"\n")

        return log

    def read(self) -> KeyLogs:
        """Return what was logged so far."""
        return {party: file.read_text("ascii", "replace") for party, file in self._files.items()}
