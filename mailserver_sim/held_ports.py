"""Keep the ports of a mail server that restarts: while nobody listens, the system may give them to any connection."""

from __future__ import annotations

import contextlib
import socket

from maco_wire.observation import Address


class HeldPorts:
    """Sockets that are bound where nobody listens for the moment; a client is refused there meanwhile."""

    def __init__(self) -> None:
        self._held: dict[str, socket.socket] = {}

    def hold(self, protocol: str, address: Address) -> None:
        """Take a protocol's address that was let go a moment ago; if somebody was faster, listening will tell."""
        bound = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_STREAM)
        try:
            # Else what is left of old connections (TIME_WAIT) would be in the way.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except OSError:
            bound.close()
        else:
            self._held[protocol] = bound

    def release(self, protocol: str) -> None:
        """Let a protocol's address go, if it is held, to listen there at once."""
        with contextlib.suppress(KeyError):
            self._held.pop(protocol).close()

    def release_all(self) -> None:
        """Let all go."""
        for protocol in [*self._held]:
            self.release(protocol)
