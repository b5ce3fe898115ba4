"""A listening port of 127.0.0.1; nothing of a web server is imported for it."""

from __future__ import annotations

import socket

from maco_wire.observation import Address

HOST = "127.0.0.1"
BACKLOG = 64


class LoopbackSocket:
    """A port that is taken at once, so that an occupied one is told before anything else begins."""

    def __init__(self, port: int) -> None:
        """Bind and listen. Raises OSError naming the address when it is in use."""
        self.socket = socket.socket()
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind((HOST, port))
            self.socket.listen(BACKLOG)
            self.socket.setblocking(False)
        except OSError as error:
            self.socket.close()
            error.filename = f"{HOST}:{port}"
            raise

    @property
    def address(self) -> Address:
        """Where it listens."""
        host, port = self.socket.getsockname()
        return host, port

    def close(self) -> None:
        """Let go of the port."""
        self.socket.close()
