"""The client's side of an IMAP connection: one command at a time, the greeting first, tags and literals kept right.

Pure: bytes in, events out. Whatever the server sends out of turn is a RemoteProtocolError. It is also here that bytes
behind the answer to STARTTLS are caught: they are counted, never read (``plaintext_behind_starttls``).
"""

from __future__ import annotations

import enum

from maco_client.imap.authenticate import begin_authenticate
from maco_client.imap.commands import Argument, Command, encode_command
from maco_client.imap.responses import ResponseReader
from maco_client.imap.text import broken
from maco_client.imap.values import Condition, ContinuationRequest, Event, Greeting, Response, StatusResponse
from maco_client.sasl.challenges import Challenges
from maco_client.sasl.exchanges import Exchange
from maco_wire.exceptions import LocalProtocolError


class State(enum.Enum):
    """What the connection waits for."""

    GREETING = enum.auto()
    IDLE = enum.auto()
    COMMAND = enum.auto()
    TLS = enum.auto()
    """STARTTLS was accepted: the next byte on the wire belongs to TLS."""
    BROKEN = enum.auto()


class ImapClient:
    """One connection; feed it with ``receive_data``, write out ``data_to_send``."""

    def __init__(self) -> None:
        self.state = State.GREETING
        self.plaintext_behind_starttls = 0
        self.has_told_secret = False
        """Whether ``data_to_send`` has ever carried a password or a token."""
        self._reader = ResponseReader()
        self._outgoing = bytearray()
        self._command: Command | None = None
        self._waiting: list[bytes] = []
        self._challenges: Challenges | None = None
        self._commands_sent = 0

    def send_command(self, name: str, *arguments: Argument) -> str:
        """Begin a command and return its tag; raises LocalProtocolError unless the connection is idle."""
        if self.state is not State.IDLE:
            raise LocalProtocolError(f"{name} in state {self.state.name}")
        command = encode_command(self._next_tag(), name, *arguments)
        self._begin(command)
        self._waiting = [*command.chunks[1:]]
        return command.tag

    def send_authenticate(self, exchange: Exchange, *, initial_response: bool) -> str:
        """Begin AUTHENTICATE (section 6.2.2) and return its tag; raises LocalProtocolError unless idle.

        ``initial_response`` says that the server takes what the mechanism says first on the command's own line
        (SASL-IR, RFC 4959).
        """
        if self.state is not State.IDLE:
            raise LocalProtocolError(f"AUTHENTICATE in state {self.state.name}")
        command, challenges = begin_authenticate(self._next_tag(), exchange, initial_response=initial_response)
        self._begin(command)
        self._challenges = challenges
        return command.tag

    def _next_tag(self) -> str:
        return f"A{self._commands_sent + 1:03d}"

    def _begin(self, command: Command) -> None:
        self._commands_sent += 1
        self._command = command
        self._outgoing += command.chunks[0]
        self.state = State.COMMAND

    def data_to_send(self) -> bytes:
        """Return what is to be written now, and forget it."""
        data = bytes(self._outgoing)
        self._outgoing.clear()
        self.has_told_secret |= bool(data) and self._tells_secret
        return data

    @property
    def _tells_secret(self) -> bool:
        if self._challenges is not None:
            return self._challenges.has_told_secret
        # Section 6.2.3: the password is the last argument, so it is in the last chunk.
        return self._command is not None and self._command.name == "LOGIN" and not self._waiting

    def receive_data(self, data: bytes) -> list[Event]:
        """Return what ``data`` completes; raises RemoteProtocolError, after which nothing more is read."""
        if self._is_in(State.TLS, State.BROKEN):
            raise LocalProtocolError(f"data in state {self.state.name}")
        self._reader.receive_data(data)
        events: list[Event] = []
        try:
            while not self._is_in(State.TLS) and (response := self._reader.next_response()) is not None:
                events.append(self._take(response))
        except Exception:
            self.state = State.BROKEN
            raise
        if self._is_in(State.TLS):
            self.plaintext_behind_starttls = len(self._reader.take_rest())
        return events

    def tls_established(self) -> None:
        """Go on inside TLS; raises LocalProtocolError unless STARTTLS was accepted and nothing stood behind it."""
        if self.state is not State.TLS or self.plaintext_behind_starttls:
            raise LocalProtocolError(f"TLS in state {self.state.name}")
        self._reader = ResponseReader()
        self.state = State.IDLE

    def _is_in(self, *states: State) -> bool:
        return self.state in states

    def _take(self, response: Response) -> Event:
        if self.state is State.GREETING:
            return self._greet(response)
        match response:
            case ContinuationRequest():
                self._continue(response)
            case StatusResponse(tag=str(tag)):
                self._complete(tag, response)
            case StatusResponse(condition=Condition.PREAUTH):
                raise broken("PREAUTH as greeting only", "it again")
        return response

    def _greet(self, response: Response) -> Greeting:
        match response:
            case StatusResponse(tag=None, condition=Condition.OK | Condition.PREAUTH | Condition.BYE):
                self.state = State.IDLE
                return Greeting(response)
        raise broken("a greeting", f"{type(response).__name__}")

    def _continue(self, request: ContinuationRequest) -> None:
        if self._challenges is not None:
            self._outgoing += self._challenges.answer(request.text)
            return
        if not self._waiting:
            raise broken("no '+', for nothing waits for it", f"'+ {request.text[:80]}'")
        self._outgoing += self._waiting.pop(0)

    def _complete(self, tag: str, status: StatusResponse) -> None:
        command = self._command
        if command is None or tag != command.tag:
            raise broken(f"tag {command.tag}" if command else "no tagged response", f"tag {tag[:80]}")
        if status.condition not in (Condition.OK, Condition.NO, Condition.BAD):
            raise broken("OK, NO or BAD behind a tag", status.condition)
        if status.condition is Condition.OK:
            self._check_success()
        self._command = self._challenges = None
        self._waiting.clear()
        accepted_starttls = command.name == "STARTTLS" and status.condition is Condition.OK
        self.state = State.TLS if accepted_starttls else State.IDLE

    def _check_success(self) -> None:
        if self._waiting:
            raise broken("'+' before the rest of the command", "OK")
        if self._challenges is not None:
            self._challenges.check_success()
