"""What the faults do to an SMTP connection: to the lines that it is answered, and to its handshakes."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING

from mailserver_sim.faults.plan import Faults, Hit
from mailserver_sim.open_connections import OpenConnections
from mailserver_sim.reports import ConnectionReports, Reporting

if TYPE_CHECKING:
    from mailserver_sim.smtp.connection import SmtpConnection

# RFC 5321, section 4.2.3, and RFC 3463.
NOT_NOW = b"421 4.3.2 Not now"
LOCKED = "450 4.2.0 The mailbox is locked"
FULL = "552 5.2.2 The mailbox is full"
STARTTLS_REFUSALS = {"NO": "454 4.7.0 TLS is not available", "BAD": "501 5.5.4 TLS is not available"}

SILENCE_S = 30.0
"""How long a client may take to begin the handshake that it will not get."""
_OFFER = b"250-STARTTLS"
READY = "220 2.0.0 Ready to start TLS"


class SmtpFaults:
    """The faults of one connection on the listener ``protocol``."""

    def __init__(self, faults: Faults, protocol: str) -> None:
        self._faults = faults
        self._protocol = protocol

    @property
    def is_idle(self) -> bool:
        """Tell whether every line goes out as it is."""
        return self._faults.is_idle

    def strike(self, connection: SmtpConnection, step: str) -> Hit | None:
        """Come to a step, and report it if a fault strikes there."""
        hit = self._faults.strike(step, self._protocol)
        if hit is not None:
            connection.reports.fault(hit)
        return hit

    async def send(self, connection: SmtpConnection, line: bytes) -> bytes | None:
        """Return what is sent instead of an answer's line, after what it takes; None for nothing."""
        if line.startswith(b"220 ") and line != READY.encode():
            if self.strike(connection, "greeting.bye"):
                connection.loop.call_soon(connection.abort_soon)  # in the turn after the line was written
                return NOT_NOW
            return line
        if line == _OFFER:
            gone = self.strike(connection, "starttls.not_offered") or self.strike(connection, "starttls.stripped")
            return None if gone else line
        if line == READY.encode():
            injected = self.strike(connection, "starttls.injected")
            return line if injected is None else line + b"\r\n" + injected.parameters["text"].encode()
        if line[3:4] == b"-":  # the last line of an answer is the one that counts
            return line
        if slow := self.strike(connection, "answer.slow"):
            await asyncio.sleep(slow.parameters["delay_s"])
        if drops := self.strike(connection, "answer.dripping"):
            return await connection.drip(line, drops.parameters["bytes"], drops.parameters["pause_s"])
        return line

    def broken_handshake(
        self, reporting: Reporting, connections: OpenConnections, owner: SmtpConnection | None = None
    ) -> HangUp | None:
        """Return the protocol of a connection that ends in its handshake; None for one as it should be."""
        hit = self._faults.strike("handshake.broken", self._protocol)
        return None if hit is None else HangUp(hit, reporting, connections, owner)


class HangUp(asyncio.Protocol):
    """Ends the connection with the first bytes of the client's handshake."""

    def __init__(
        self, hit: Hit, reporting: Reporting, connections: OpenConnections, owner: SmtpConnection | None
    ) -> None:
        self._hit = hit
        self._reporting = reporting
        self._connections = connections
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Report the fault, with both addresses."""
        assert isinstance(transport, asyncio.Transport)  # of TCP
        self._transport = transport
        self._connections.add(self)
        self._timer = asyncio.get_running_loop().call_later(SILENCE_S, self.abort)
        local, peer = transport.get_extra_info("sockname")[:2], transport.get_extra_info("peername")[:2]
        ConnectionReports(self._reporting, "SMTP", local=local, peer=peer).fault(self._hit)

    def data_received(self, data: bytes) -> None:  # noqa: ARG002 - asyncio's signature
        """End it."""
        if self._hit.parameters["how"] == "close":
            self.stop()
        else:
            self.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """Let go of everything."""
        self._connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._owner is not None:
            self._owner.connection_lost(error)

    def stop(self) -> None:
        """Close."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Reset."""
        if self._transport is not None:
            # SO_LINGER with no time: the close becomes a reset (socket(7)).
            raw: socket.socket = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
