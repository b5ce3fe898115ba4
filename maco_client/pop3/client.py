"""The client's side of a POP3 connection: the greeting first, then one command at a time, each answered by a reply.

Pure: bytes in, events out. Whatever the server sends out of turn is a RemoteProtocolError. It is also here that bytes
behind the answer to STLS are caught: they are counted, never read (``plaintext_behind_stls``).
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

from maco_client.pop3.unstuffing import Unstuffing
from maco_client.pop3.values import BodyChunk, Challenge, Ended, Event, Line, Reply, broken, read_reply
from maco_client.sasl.challenges import Challenges
from maco_client.sasl.exchanges import Exchange
from maco_wire.exceptions import LocalProtocolError

LONGEST_LINE = 4096  # bytes of a status line or a line of a listing; RFC 2449, section 4, allows 512


class Follows(enum.Enum):
    """What stands behind a reply that begins with +OK."""

    NOTHING = enum.auto()
    LISTING = enum.auto()
    MESSAGE = enum.auto()


class State(enum.Enum):
    """What the connection waits for."""

    GREETING = enum.auto()
    IDLE = enum.auto()
    REPLY = enum.auto()
    LISTING = enum.auto()
    MESSAGE = enum.auto()
    TLS = enum.auto()
    """STLS was accepted: the next byte on the wire belongs to TLS."""
    BROKEN = enum.auto()


class Pop3Client:
    """One connection; feed it with ``receive_data``, write out ``data_to_send``."""

    def __init__(self) -> None:
        self.state = State.GREETING
        self.plaintext_behind_stls = 0
        self._buffer = bytearray()
        self._outgoing = bytearray()
        self._command = ""
        self._follows = Follows.NOTHING
        self._challenges: Challenges | None = None
        self._unstuffing = Unstuffing()

    def send_command(self, name: str, *arguments: str, follows: Follows = Follows.NOTHING) -> None:
        """Begin a command; raises LocalProtocolError unless the connection is idle, and for what no line can hold."""
        if self.state is not State.IDLE:
            raise LocalProtocolError(f"{name} in state {self.state.name}")
        line = " ".join((name, *arguments)).encode("utf-8", "surrogateescape")
        if any(each in line for each in b"\r\n\0"):
            raise LocalProtocolError(f"an argument of {name} holds a line break or NUL")
        self._command, self._follows = name, follows
        self._outgoing += line + b"\r\n"
        self.state = State.REPLY

    def send_auth(self, exchange: Exchange) -> None:
        """Begin a login by SASL (RFC 5034, section 4); what the mechanism says first waits to be asked for."""
        self.send_command("AUTH", exchange.mechanism)
        self._challenges = Challenges(exchange, begun=False, protocol="POP3")

    @property
    def has_told_secret(self) -> bool:
        """Tell whether what was written for the running command carries the password, in whatever form."""
        return self._command == "PASS" or (self._challenges is not None and self._challenges.has_told_secret)

    def data_to_send(self) -> bytes:
        """Return what is to be written now, and forget it."""
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    def receive_data(self, data: bytes) -> list[Event]:
        """Return what ``data`` completes.

        Raises RemoteProtocolError and ServerUnproven, after which nothing more is read.
        """
        if self.state in (State.TLS, State.BROKEN):
            raise LocalProtocolError(f"data in state {self.state.name}")
        self._buffer += data
        events: list[Event] = []
        try:
            while completed := self._next_events():
                events += completed
        except Exception:
            self.state = State.BROKEN
            raise
        return events

    def tls_established(self) -> None:
        """Go on inside TLS; raises LocalProtocolError unless STLS was accepted and nothing stood behind it."""
        if self.state is not State.TLS or self.plaintext_behind_stls:
            raise LocalProtocolError(f"TLS in state {self.state.name}")
        self.state = State.IDLE

    def _next_events(self) -> Sequence[Event]:
        match self.state:
            case State.TLS:
                self.plaintext_behind_stls += len(self._buffer)
                self._buffer.clear()
                return ()
            case State.IDLE:
                if self._buffer:
                    raise broken("nothing, for nothing was asked", bytes(self._buffer[:LONGEST_LINE]))
                return ()
            case State.MESSAGE:
                return self._read_message()
        line = self._cut_line()
        if line is None:
            return ()
        return [self._listed(line) if self.state is State.LISTING else self._replied(line)]

    def _cut_line(self) -> bytes | None:
        end = self._buffer.find(b"\n", 0, LONGEST_LINE)
        if end < 0:
            if len(self._buffer) >= LONGEST_LINE:
                raise broken(f"a line of at most {LONGEST_LINE} bytes", "a longer one")
            return None
        line = bytes(self._buffer[:end])
        if not line.endswith(b"\r"):
            raise broken("CRLF at the end of a line", line)
        del self._buffer[: end + 1]
        return line[:-1]

    def _replied(self, line: bytes) -> Reply | Challenge:
        if self._challenges is not None and line.partition(b" ")[0] == b"+":
            self._outgoing += self._challenges.answer(line[2:].decode("ascii", "backslashreplace"))
            return Challenge()
        reply = read_reply(line)
        if reply.succeeded and self._challenges is not None:
            self._challenges.check_success()
        accepted, self._challenges = reply.succeeded, None
        if self.state is State.GREETING or not accepted:
            self.state = State.IDLE
        else:
            self.state = self._behind_ok()
        return reply

    def _behind_ok(self) -> State:
        match self._follows:
            case Follows.LISTING:
                return State.LISTING
            case Follows.MESSAGE:
                self._unstuffing = Unstuffing()
                return State.MESSAGE
        return State.TLS if self._command == "STLS" else State.IDLE

    def _listed(self, line: bytes) -> Line | Ended:
        if line == b".":
            self.state = State.IDLE
            return Ended()
        stuffed = line.startswith(b".")
        return Line(line[stuffed:].decode("utf-8", "backslashreplace"))

    def _read_message(self) -> Sequence[Event]:
        if not self._buffer:
            return ()
        message, behind = self._unstuffing.receive_data(bytes(self._buffer))
        self._buffer.clear()
        events: list[Event] = [BodyChunk(message)] if message else []
        if behind is not None:
            self._buffer += behind
            self.state = State.IDLE
            events.append(Ended())
        return events
