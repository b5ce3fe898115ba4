"""Play a script at a server and keep what it answers."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

from maco_wire.observation import Address
from tests.real.transcript.steps import Script, Step

TIMEOUT_S = 10.0
_LITERAL_FOLLOWS = re.compile(rb"\{(\d+)\}\r\n\Z")


@dataclass
class Answered:
    """The responses to one step, each with its literals and its line end; the tagged one is the last."""

    step: Step
    responses: list[bytes] = field(default_factory=list)


class _Session:
    def __init__(self, address: Address, context: ssl.SSLContext) -> None:
        plain = socket.create_connection(address, TIMEOUT_S)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = context.wrap_socket(plain)
        self._file = self._connection.makefile("rb")
        self._commands = 0
        self.tag = b""
        self.response()

    def close(self) -> None:
        self._file.close()
        self._connection.close()

    def send(self, data: bytes) -> None:
        """Send; that the server has closed is seen when its answer is read."""
        with contextlib.suppress(OSError):
            self._connection.sendall(data)

    def new_tag(self) -> bytes:
        self._commands += 1
        self.tag = b"t%d" % self._commands
        return self.tag + b" "

    def response(self) -> bytes:
        """Return one response; empty at the end of the connection."""
        whole = b""
        while True:
            line = self._line()
            whole += line
            found = _LITERAL_FOLLOWS.search(line)
            if found is None:
                return whole
            whole += self._file.read(int(found[1]))

    def _line(self) -> bytes:
        try:
            return self._file.readline()
        except (ConnectionError, ssl.SSLError):
            return b""


def play(script: Script, address: Address, context: ssl.SSLContext) -> list[Answered]:
    """Return the answers to every step of the script."""
    with contextlib.ExitStack() as opened:
        player = _Player(address, context, opened)
        return [player.play(step) for step in script.steps]


class _Player:
    def __init__(self, address: Address, context: ssl.SSLContext, opened: contextlib.ExitStack) -> None:
        self._address = address
        self._context = context
        self._opened = opened
        self._sessions: dict[str, _Session] = {}

    def play(self, step: Step) -> Answered:
        answered = Answered(step)
        session = self._session(step.session)
        for response in self._responses(session, step):
            answered.responses.append(response)
            if not response:
                del self._sessions[step.session]
        return answered

    def _session(self, name: str) -> _Session:
        if name not in self._sessions:
            self._sessions[name] = _Session(self._address, self._context)
            self._opened.callback(self._sessions[name].close)
        return self._sessions[name]

    def _responses(self, session: _Session, step: Step) -> Iterator[bytes]:
        unsent = session.new_tag() if step.kind == "command" else b""
        for piece in step.pieces:
            if isinstance(piece, bytes):
                unsent += piece
                continue
            session.send(unsent + b"{%d%b}\r\n" % (len(piece.data), b"" if piece.waits else b"+"))
            if piece.waits and (yield from self._until_leave(session)):
                return
            unsent = piece.data
        session.send(unsent + b"\r\n")
        yield from self._answers(session, step, list(step.then))
        if step.kind == "end":
            # How much was told before DONE is a matter of time; behind the next command it is everything.
            session.send(session.new_tag() + b"NOOP\r\n")
            yield from self._answers(session, step, [])

    def _until_leave(self, session: _Session) -> Generator[bytes, None, bool]:
        """Wait for a continuation request; what comes instead is the answer (then True is returned)."""
        while not (response := session.response()).startswith(b"+"):
            yield response
            if _is_last(session, response):
                return True
        return False

    def _answers(self, session: _Session, step: Step, then: list[bytes]) -> Iterator[bytes]:
        while True:
            response = session.response()
            if response.startswith(b"+"):
                if step.left_open:
                    return
                if then:
                    session.send(then.pop(0) + b"\r\n")
                continue
            yield response
            if _is_last(session, response) or step.kind == "line":
                return


def _is_last(session: _Session, response: bytes) -> bool:
    return not response or response.startswith(session.tag + b" ")
