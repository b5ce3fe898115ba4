"""One POP3 session over a byte stream: the pure ``Pop3Client`` with sockets and deadlines around it.

One rule: MaCo's "Timeout (in ms)" is for every write, and for every answer to begin and to go on (``Patience``); what
a listing may bring is bounded; and nothing that was heard before STLS is remembered behind it. What the server refuses
is raised as ReplyRefused. Nothing is reported or explained here.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import TypeVar

from maco_client.bodies import BodySink
from maco_client.failures import ConnectionDropped, MailTooLarge, ServerNotProven, SessionError, StarttlsInjected
from maco_client.mail_stream import MailStream, Tap
from maco_client.patience import Patience
from maco_client.pop3.client import Follows, Pop3Client
from maco_client.pop3.values import BodyChunk, Ended, Event, Line, Reply, broken
from maco_client.sasl.exchanges import Exchange, ServerUnproven
from maco_net.errors import DeadlineExceeded, HandshakeFacts
from maco_net.streams import CHUNK_BYTES
from maco_net.tcp import TcpStream

MOST_CAPABILITIES = 100
MOST_MESSAGES = 250_000  # of a maildrop: 60 MB of memory
MOST_LISTED_BYTES = 24 * 1024 * 1024  # of all lines of a listing
LONGEST_NUMBER = 15  # digits
LONGEST_UNIQUE_ID = 255  # RFC 1939, section 7: 70, and servers are known to take more
QUIT_TIMEOUT_S = 2.0


_E = TypeVar("_E", BodyChunk, Line)


class ReplyRefused(SessionError):
    """The server answered ``command`` with -ERR (RFC 1939, section 3); empty for the greeting."""

    def __init__(self, command: str, reply: Reply) -> None:
        super().__init__(f"{command}: {reply.line}")
        self.command = command
        self.reply = reply


class Pop3Session(MailStream):
    """A session on a connected stream."""

    def __init__(self, stream: TcpStream, *, timeout_s: float, tap: Tap, early: bytes = b"") -> None:
        super().__init__(stream, timeout_s=timeout_s, tap=tap, early=early)
        self._patience = Patience(timeout_s, protocol="POP3")
        self._client = Pop3Client()
        self._pending: list[Event] = []
        self._has_quit = False

    async def read_greeting(self) -> Reply:
        """Return the greeting (section 4); raises ReplyRefused."""
        return await self._answered("")

    async def capa(self) -> Mapping[str, tuple[str, ...]] | None:
        """Ask what the server can do (RFC 2449, section 5): parameters by name, in upper case; None without CAPA."""
        try:
            lines = await self._listing("CAPA", MOST_CAPABILITIES)
        except ReplyRefused:
            return None
        words = [line.upper().split() for line in lines]
        return {each[0]: tuple(each[1:]) for each in words if each}

    async def stls(self) -> None:
        """Ask for TLS (RFC 2595, section 4) and stand just before the handshake.

        Raises StarttlsInjected if plaintext stands behind the answer: it could have come from anybody.
        """
        await self._command("STLS")
        if self._client.plaintext_behind_stls:
            raise StarttlsInjected(self._client.plaintext_behind_stls, "STLS")

    async def go_on_in_tls(self, context: ssl.SSLContext, server_name: str) -> HandshakeFacts:
        """Begin TLS behind an accepted STLS; raises HandshakeError."""
        facts = await self.begin_tls(context, server_name)
        self._client.tls_established()
        return facts

    async def login(self, user: str, password: str) -> None:
        """Log in by USER and PASS (RFC 1939, section 7)."""
        await self._command("USER", user)
        await self._command("PASS", password)

    async def authenticate(self, exchange: Exchange) -> None:
        """Log in by a SASL mechanism (RFC 5034); raises ReplyRefused, and ServerNotProven."""
        self._client.send_auth(exchange)
        try:
            await self._answered("AUTH")
        except ServerUnproven as error:
            raise ServerNotProven(str(error)) from error

    async def unique_ids(self) -> dict[int, str]:
        """Return the unique-id of each message by its number (RFC 1939, section 7, UIDL)."""
        return {number: _unique_id(text) for number, text in (await self._told("UIDL")).items()}

    async def sizes(self) -> dict[int, int]:
        """Return how many bytes the server says that each message has, by its number (section 5, LIST)."""
        # Section 5: what stands behind the size is for experimental implementations.
        return {number: _number("LIST", text.partition(" ")[0]) for number, text in (await self._told("LIST")).items()}

    async def retrieve(self, number: int, sink: BodySink, *, max_bytes: int) -> None:
        """Stream a message into ``sink`` (section 5, RETR); raises ReplyRefused.

        Raises MailTooLarge, after which the session is of no use: the rest of the mail would have to be read.
        """
        await self._command("RETR", str(number), follows=Follows.MESSAGE)
        size = 0
        while not isinstance(event := await self._next_event(), Ended):
            data = _expected(event, BodyChunk).data
            size += len(data)
            if size > max_bytes:
                raise MailTooLarge(size, max_bytes)
            await sink.write(data)

    async def delete(self, number: int) -> None:
        """Mark a message as deleted (section 5, DELE); it goes with QUIT and not before."""
        await self._command("DELE", str(number))

    async def noop(self) -> None:
        """Ask whether the server is still there (section 5)."""
        await self._command("NOOP")

    async def quit(self) -> None:
        """End the session; what is marked is removed when this returns (section 6). Raises ReplyRefused."""
        self._has_quit = True
        await self._command("QUIT")

    async def logout(self) -> None:
        """Say goodbye unless that was said, with nothing marked; a server that just closes is forgiven."""
        if self._has_quit:
            return
        try:
            async with asyncio.timeout(min(QUIT_TIMEOUT_S, self._timeout_s)):
                await self.quit()
        except (ConnectionDropped, ReplyRefused, TimeoutError):
            return

    async def _told(self, name: str) -> dict[int, str]:
        return _numbered(name, await self._listing(name, MOST_MESSAGES))

    async def _listing(self, name: str, most: int) -> list[str]:
        await self._command(name, follows=Follows.LISTING)
        lines: list[str] = []
        size = 0
        while not isinstance(event := await self._next_event(), Ended):
            lines.append(_expected(event, Line).text)
            size += len(lines[-1])
            if len(lines) > most or size > MOST_LISTED_BYTES:
                raise broken(f"an answer to {name} of at most {most} lines and {MOST_LISTED_BYTES} bytes", "more")
        return lines

    async def _command(self, name: str, *arguments: str, follows: Follows = Follows.NOTHING) -> Reply:
        self._client.send_command(name, *arguments, follows=follows)
        return await self._answered(name)

    async def _answered(self, name: str) -> Reply:
        """Return the reply to a command that has begun; raises ReplyRefused."""
        await self._flush()
        self._patience.begin_answer()
        while not isinstance(event := await self._next_event(), Reply):
            pass  # a challenge, which the client has answered by itself
        if not event.succeeded:
            raise ReplyRefused(name, event)
        return event

    async def _next_event(self) -> Event:
        while not self._pending:
            self._pending = (await self._next_events())[::-1]
        return self._pending.pop()

    async def _next_events(self) -> list[Event]:
        """Feed, collect, send."""
        data = await self._receive()
        self.tap.received(data)
        events = self._client.receive_data(data)
        for event in events:
            if isinstance(event, BodyChunk):
                self._patience.heard_of_a_mail(len(event.data))
            else:
                self._patience.heard_a_response()
        await self._flush()
        return events

    async def _flush(self) -> None:
        data = self._client.data_to_send()
        if not data:
            return
        self.tap.sent(data)
        try:
            async with asyncio.timeout(self._timeout_s):
                stream = self._open_stream()
                self.secret_written = self.secret_written or self._client.has_told_secret
                await stream.send(data)
        except TimeoutError as error:
            raise DeadlineExceeded("POP3", self._timeout_s) from error

    async def _receive(self) -> bytes:
        early, self._early = self._early, b""
        data = early or await self._patience.wait_for(self._open_stream().receive(CHUNK_BYTES))
        if not data:
            raise ConnectionDropped("the server closed the connection")
        return data


def _expected(event: Event, kind: type[_E]) -> _E:
    assert isinstance(event, kind)  # the client's state allows no other between the reply and the end
    return event


def _numbered(name: str, lines: list[str]) -> dict[int, str]:
    """Read a listing: a message's number, a blank, and what is told of it (RFC 1939, section 5)."""
    found: dict[int, str] = {}
    for line in lines:
        number, _, told = line.partition(" ")
        message = _number(name, number)
        if not message or message in found:
            raise broken(f"each message once in the answer to {name}", line.encode())
        found[message] = told
    return found


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER):
        raise broken(f"a number in the answer to {name}", text.encode())
    return int(text)


def _unique_id(text: str) -> str:
    """Check a unique-id: section 7 allows "characters in the range 0x21 to 0x7E"."""
    found = text.rstrip(" ")
    if not 1 <= len(found) <= LONGEST_UNIQUE_ID or not all("!" <= each <= "~" for each in found):
        raise broken("a unique-id of printable ASCII characters", text.encode())
    return found
