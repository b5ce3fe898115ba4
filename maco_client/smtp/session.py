"""One SMTP session over a byte stream: one command at a time, each answered by one reply in time.

One rule: nothing that was heard in clear is known inside TLS. Whatever the server refuses is raised as ReplyRefused,
what stands behind its answer to STARTTLS as StarttlsInjected. Nothing is reported or explained here.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import ssl

from maco_client.failures import ConnectionDropped, ServerNotProven, SessionError, StarttlsInjected
from maco_client.mail_stream import MailStream, Tap
from maco_client.masking import Masked
from maco_client.sasl.exchanges import Exchange, SaslError, ServerUnproven
from maco_client.smtp.message import END_OF_DATA, data_lines
from maco_client.smtp.replies import LONGEST_SHOWN, Reply, ReplyReader, extensions
from maco_net.errors import DeadlineExceeded, HandshakeFacts, NetError
from maco_net.streams import CHUNK_BYTES
from maco_net.tcp import TcpStream
from maco_wire.exceptions import RemoteProtocolError

READY, AUTHENTICATED, OK, CHALLENGE, SEND_DATA = 220, 235, 250, 334, 354  # RFC 5321, section 4.2.3; RFC 4954, section 4
QUIT_TIMEOUT_S = 2.0
READ_BYTES = 4096
ANNOUNCED_AS = "maco"


class ReplyRefused(SessionError):
    """The server answered ``command`` with something else than was asked for."""

    def __init__(self, command: str, reply: Reply) -> None:
        super().__init__(f"{command}: {reply.text}")
        self.command = command
        self.reply = reply


class SmtpSession(MailStream):
    """A session on a connected stream; ``early`` is what the layer below has read of it already.

    ``masked`` takes secrets out of what errors repeat of the server's words, before anybody shortens them.
    """

    def __init__(self, stream: TcpStream, *, timeout_s: float, tap: Tap, masked: Masked, early: bytes = b"") -> None:
        super().__init__(stream, timeout_s=timeout_s, tap=tap, early=early)
        self._masked = masked
        self._reader = ReplyReader(masked)

    async def begin_tls(self, context: ssl.SSLContext, server_name: str) -> HandshakeFacts:
        """See MailStream; what was heard in clear is forgotten."""
        facts = await super().begin_tls(context, server_name)
        self._reader = ReplyReader(self._masked)
        return facts

    async def read_greeting(self) -> Reply:
        """Return the server's first reply, good or bad (RFC 5321, section 3.1)."""
        return await self._reply()

    async def ehlo(self) -> dict[str, tuple[str, ...]]:
        """Say EHLO and return the server's extensions with their parameters (section 4.1.1.1)."""
        return extensions(await self._command(f"EHLO {ANNOUNCED_AS}", OK))

    async def starttls(self) -> None:
        """Ask for TLS (RFC 3207, section 4) and stand just before the handshake; raises StarttlsInjected."""
        await self._command("STARTTLS", READY)
        if self._reader.rest:
            raise StarttlsInjected(len(self._reader.rest))

    async def authenticate(self, exchange: Exchange) -> None:
        """Log in (RFC 4954, section 4); raises ReplyRefused, and ServerNotProven."""
        first = f" {base64.b64encode(exchange.initial).decode() or '='}" if exchange.initial is not None else ""
        line, answered = f"AUTH {exchange.mechanism}{first}".encode(), 0
        reply = await self._exchange(line, tells_secret=exchange.has_told_secret(answered))
        while reply.code == CHALLENGE:
            line, answered = _answer(exchange, answered, reply, reply.masked(self._masked)), answered + 1
            reply = await self._exchange(line, tells_secret=exchange.has_told_secret(answered))
        if reply.code != AUTHENTICATED:
            raise ReplyRefused("AUTH", reply.masked(self._masked))
        try:
            exchange.check_success(answered)
        except ServerUnproven as error:
            raise ServerNotProven(str(error)) from error

    async def mail_from(self, sender: str, *parameters: str) -> None:
        """Begin a mail (RFC 5321, section 4.1.1.2), with parameters of extensions."""
        await self._command(" ".join((f"MAIL FROM:<{sender}>", *parameters)))

    async def rcpt_to(self, recipient: str) -> None:
        """Name a recipient (section 4.1.1.3)."""
        await self._command(f"RCPT TO:<{recipient}>")

    async def begin_data(self) -> None:
        """Ask whether the mail itself may come (section 4.1.1.4)."""
        await self._command("DATA", SEND_DATA)

    async def send_content(self, message: bytes) -> None:
        """Send the mail but for the end that lets the server take it."""
        await self._send(data_lines(message))

    async def end_data(self) -> Reply:
        """End the mail; the server has taken it when this returns its reply, and perhaps when there is none."""
        await self._send(END_OF_DATA)
        return self._required("DATA", await self._reply())

    async def quit(self) -> None:
        """Say goodbye (section 4.1.1.10); whatever goes wrong is of no account, for nothing depends on it."""
        with contextlib.suppress(SessionError, NetError, RemoteProtocolError, TimeoutError):
            async with asyncio.timeout(min(QUIT_TIMEOUT_S, self._timeout_s)):
                await self._exchange(b"QUIT")

    async def _command(self, line: str, code: int | None = None) -> Reply:
        name = line.split(maxsplit=1)[0]
        return self._required(name, await self._exchange(line.encode()), code)

    def _required(self, name: str, reply: Reply, code: int | None = None) -> Reply:
        if not (reply.has_succeeded if code is None else reply.code == code):
            raise ReplyRefused(name, reply.masked(self._masked))
        return reply

    async def _exchange(self, line: bytes, *, tells_secret: bool = False) -> Reply:
        await self._send(line + b"\r\n", tells_secret=tells_secret)
        return await self._reply()

    async def _send(self, data: bytes, *, tells_secret: bool = False) -> None:
        """Send in pieces, each in time: a large mail may take longer than the time-out."""
        if self._reader.rest:
            raise RemoteProtocolError("SMTP", "no reply, for nothing was asked", f"{len(self._reader.rest)} bytes")
        for start in range(0, len(data), CHUNK_BYTES):
            piece = data[start : start + CHUNK_BYTES]
            stream = self._open_stream()
            self.tap.sent(piece)
            self.secret_written |= tells_secret
            try:
                async with asyncio.timeout(self._timeout_s):
                    await stream.send(piece)
            except TimeoutError as error:
                raise DeadlineExceeded("SMTP", self._timeout_s) from error

    async def _reply(self) -> Reply:
        """Wait for one reply; all of it must be there within the time-out."""
        try:
            async with asyncio.timeout(self._timeout_s):
                while (reply := self._reader.receive_data(await self._receive())) is None:
                    pass
        except TimeoutError as error:
            raise DeadlineExceeded("SMTP", self._timeout_s) from error
        return reply

    async def _receive(self) -> bytes:
        data, self._early = self._early, b""
        data = data or await self._open_stream().receive(READ_BYTES)
        if not data:
            raise ConnectionDropped("the server closed the connection")
        self.tap.received(data)
        return data


def _answer(exchange: Exchange, number: int, reply: Reply, shown: Reply) -> bytes:
    challenge = reply.lines[-1].strip()
    try:
        said = exchange.answer(number, base64.b64decode(challenge, validate=True))
    except ServerUnproven as error:
        raise ServerNotProven(str(error)) from error
    except SaslError as error:
        raise RemoteProtocolError("SMTP", error.expected, shown.text[:LONGEST_SHOWN]) from error
    except (binascii.Error, ValueError) as error:
        raise RemoteProtocolError("SMTP", "a challenge in Base64", shown.text[:LONGEST_SHOWN]) from error
    return base64.b64encode(said)
