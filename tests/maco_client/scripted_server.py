"""An IMAP server that does exactly what a script says, and notes what it heard.

A script is a row of steps for one connection. ``answered`` is the usual exchange: expect a command, send some untagged
lines and its completion.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from maco_net.errors import HandshakeError, PeerAlert, PeerReset, PeerTruncated
from maco_net.listener import Listener
from maco_net.streams import ByteStream
from maco_net.tcp import TcpStream
from maco_net.tls import start_tls
from maco_wire.observation import Address
from maco_wire.socks5 import AuthenticationRequested, ConnectRequested, Refused, Socks5Server

TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Send:
    """Send bytes; ``TAG`` in them is the tag of the last command."""

    data: bytes


@dataclass(frozen=True)
class Drip:
    """Send bytes one at a time, with a pause behind each."""

    data: bytes
    pause_s: float


@dataclass(frozen=True)
class Expect:
    """Read a line that must match ``pattern`` behind its tag."""

    pattern: bytes


@dataclass(frozen=True)
class ExpectLine:
    """Read a line that must match ``pattern`` as a whole: of a protocol without tags."""

    pattern: bytes


@dataclass(frozen=True)
class ExpectBytes:
    """Read exactly these bytes (a literal)."""

    data: bytes


@dataclass(frozen=True)
class Read:
    """Read whatever comes."""


@dataclass(frozen=True)
class Tls:
    """Shake hands as server."""

    context: ssl.SSLContext


@dataclass(frozen=True)
class NothingMore:
    """Find that the client has sent nothing behind its last command."""


@dataclass(frozen=True)
class Reset:
    """Reset the connection."""


@dataclass(frozen=True)
class Hang:
    """Say nothing until the client gives up."""


Step: TypeAlias = Send | Drip | Expect | ExpectLine | ExpectBytes | Read | Tls | NothingMore | Reset | Hang
Script: TypeAlias = Sequence[Step]


@dataclass
class ScriptedServer:
    """Plays ``scripts[n]`` to the n-th connection."""

    scripts: list[Script]
    address: Address = ("", 0)
    heard: list[bytes] = field(default_factory=list)
    """Every line that was expected and came, without tag and CRLF."""
    heard_in_clear: bytes = b""
    """All that came before TLS, as long as a step was reading."""
    surprises: list[str] = field(default_factory=list)
    handshake_errors: list[str] = field(default_factory=list)
    connections: int = 0
    at_once: int = 0
    most_at_once: int = 0

    @property
    def commands(self) -> list[str]:
        """The names of the commands, in order."""
        found = (re.match(rb"(?:UID )?[A-Z]+", line) for line in self.heard)
        return [match.group().decode() for match in found if match]

    async def serve(self, stream: TcpStream) -> None:
        """Play the next script."""
        await self.play(stream)

    async def play(self, stream: TcpStream) -> None:
        """Play the next script on a connected stream."""
        self.connections += 1
        if self.connections > len(self.scripts):
            self.surprises.append("one connection too many")
            return
        player = _Player(self, stream)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            for step in self.scripts[self.connections - 1]:
                if not await player.do(step):
                    break
        except PeerAlert as error:
            self.handshake_errors.append(error.alert)  # a client's verdict in TLS 1.3, after the server's own handshake
        except (PeerReset, PeerTruncated):
            pass
        finally:
            self.at_once -= 1
            await player.stream.aclose()


class _Player:
    def __init__(self, server: ScriptedServer, stream: TcpStream) -> None:
        self.server = server
        self.stream: ByteStream = stream
        self._tcp = stream
        self._tag = b""
        self._buffer = b""

    async def do(self, step: Step) -> bool:  # noqa: C901 - one case for each step
        """Play one step; False ends the connection."""
        match step:
            case Send(data):
                await self.stream.send(data.replace(b"TAG", self._tag))
            case Drip(data, pause_s):
                await self._drip(data, pause_s)
            case Expect(pattern):
                return await self._expect(pattern)
            case ExpectLine(pattern):
                return await self._expect_line(pattern)
            case ExpectBytes(data):
                return await self._expect_bytes(data)
            case Read():
                await self._read()
            case Tls(context):
                return await self._begin_tls(context)
            case NothingMore():
                return self._nothing_more()
            case Reset():
                self.stream.abort()
                return False
            case Hang():
                await self._hang()
        return True

    async def _drip(self, data: bytes, pause_s: float) -> None:
        for at in range(len(data)):
            await self.stream.send(data[at : at + 1])
            await asyncio.sleep(pause_s)  # a slow server is what this step is for

    async def _hang(self) -> None:
        while await self._read():
            pass

    async def _read(self) -> bytes:
        async with asyncio.timeout(TIMEOUT_S):
            data = await self.stream.receive()
        if self.stream is self._tcp:
            self.server.heard_in_clear += data
        return data

    def _nothing_more(self) -> bool:
        if self._buffer:
            self.server.surprises.append(f"{self._buffer!r} behind the last command")
        return not self._buffer

    async def _expect(self, pattern: bytes) -> bool:
        line = await self._line(pattern)
        if line is None:
            return False
        self._tag, _, command = line.partition(b" ")
        return self._matches(pattern, command)

    async def _expect_line(self, pattern: bytes) -> bool:
        line = await self._line(pattern)
        return line is not None and self._matches(pattern, line)

    async def _line(self, pattern: bytes) -> bytes | None:
        """Read a line; None if the client closes where ``pattern`` was due."""
        while b"\r\n" not in self._buffer:
            data = await self._read()
            if not data:
                self.server.surprises.append(f"closed instead of {pattern!r}")
                return None
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\r\n", 1)
        return line

    def _matches(self, pattern: bytes, command: bytes) -> bool:
        self.server.heard.append(command)
        if re.fullmatch(pattern, command) is None:
            self.server.surprises.append(f"{command!r} instead of {pattern!r}")
            return False
        return True

    async def _expect_bytes(self, data: bytes) -> bool:
        while len(self._buffer) < len(data) and (more := await self._read()):
            self._buffer += more
        got, self._buffer = self._buffer[: len(data)], self._buffer[len(data) :]
        if got != data:
            self.server.surprises.append(f"{got!r} instead of {data!r}")
        return got == data

    async def _begin_tls(self, context: ssl.SSLContext) -> bool:
        try:
            self.stream = await start_tls(self._tcp, context, timeout_s=TIMEOUT_S, server_side=True)
        except HandshakeError as error:
            self.server.handshake_errors.append(error.facts.alert_received or error.facts.error)
            return False
        return True


def answered(pattern: bytes, *untagged: bytes, completion: bytes = b"OK done") -> list[Step]:
    """Expect a command and answer it."""
    lines = b"".join(b"* " + line + b"\r\n" for line in untagged)
    return [Expect(pattern), Send(lines + b"TAG " + completion + b"\r\n")]


def greeting(text: bytes = b"OK ready") -> list[Step]:
    """Greet."""
    return [Send(b"* " + text + b"\r\n")]


def starttls(context: ssl.SSLContext, *capabilities_inside: bytes) -> list[Step]:
    """Offer and do STARTTLS; then tell other capabilities."""
    inside = b" ".join((b"CAPABILITY IMAP4rev1", *capabilities_inside))
    return [
        *answered(rb"CAPABILITY", b"CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED"),
        *answered(rb"STARTTLS"),
        Tls(context),
        *answered(rb"CAPABILITY", inside),
    ]


def in_clear() -> list[Step]:
    """Offer no STARTTLS."""
    return answered(rb"CAPABILITY", b"CAPABILITY IMAP4rev1")


def logged_in() -> list[Step]:
    """Accept the login of the tests' user."""
    return answered(rb'LOGIN "maco" "sesame"')


def opened(folder: bytes = b"INBOX", *, exists: int = 1, uid_validity: int = 7) -> list[Step]:
    """List and select a folder."""
    return [
        *answered(b'LIST "" "%b"' % folder, b'LIST () "/" "%b"' % folder),
        *answered(
            b'SELECT "%b"' % folder,
            b"%d EXISTS" % exists,
            b"OK [UIDVALIDITY %d] valid" % uid_validity,
            completion=b"OK [READ-WRITE] done",
        ),
    ]


def found(*uids: int, criterion: bytes = b"UNSEEN", flags: bytes = b"", sizes: Iterable[int] = ()) -> list[Step]:
    """Answer the search with ``uids`` and tell their flags and sizes."""
    numbers = b"".join(b" %d" % uid for uid in uids)
    steps = answered(rb"UID SEARCH " + criterion, b"SEARCH" + numbers)
    if not uids:
        return steps
    given = [*sizes] or [100] * len(uids)
    summaries = [
        b"%d FETCH (UID %d FLAGS (%b) RFC822.SIZE %d)" % (at, uid, flags, size)
        for at, (uid, size) in enumerate(zip(uids, given, strict=True), 1)
    ]
    return [*steps, *answered(rb"UID FETCH [0-9:,]+ \(UID FLAGS RFC822.SIZE\)", *summaries)]


def sent(uid: int, mail: bytes) -> list[Step]:
    """Send a mail's body."""
    return sent_together(b"%d" % uid, {uid: mail})


def sent_together(uids: bytes, mails: Mapping[int, bytes]) -> list[Step]:
    """Send the bodies of the mails that the set ``uids`` asks for."""
    bodies = [
        b"%d FETCH (UID %d BODY[] {%d}\r\n%b)" % (at, uid, len(mail), mail)
        for at, (uid, mail) in enumerate(mails.items(), 1)
    ]
    return answered(rb"UID FETCH %b \(UID BODY\.PEEK\[\]\)" % uids, *bodies)


def stored(uids: int | bytes, flag: bytes = rb"\\Seen") -> list[Step]:
    """Accept the setting of a flag."""
    those = b"%d" % uids if isinstance(uids, int) else uids
    return answered(rb"UID STORE %b \+FLAGS\.SILENT \(%b\)" % (those, flag))


def left() -> list[Step]:
    """Accept CLOSE and LOGOUT."""
    return [*answered(rb"CLOSE"), *answered(rb"LOGOUT", b"BYE bye")]


@dataclass
class ScriptedProxy:
    """SAP's SOCKS5 proxy in front of a scripted server; refuses where it is told to."""

    server: ScriptedServer
    reply: int = 0
    status: int = 0
    glued: bytes = b""
    """Payload sent in one piece with the reply."""
    address: Address = ("", 0)
    asked: list[tuple[str, str, str, int]] = field(default_factory=list)
    """Token, location ID, host and port of every connection."""

    async def serve(self, stream: TcpStream) -> None:
        """Speak SOCKS5, then hand the connection to the server."""
        socks = Socks5Server()
        token = location_id = ""
        async with asyncio.timeout(TIMEOUT_S):
            while data := await stream.receive():
                for event in socks.receive_data(data):
                    match event:
                        case AuthenticationRequested():
                            token, location_id = event.token, event.location_id
                            self._authenticate(socks)
                        case ConnectRequested(host=host, port=port):
                            self.asked.append((token, location_id, host, port))
                            await self._connect(socks, stream)
                            return
                        case Refused():
                            pass
                await stream.send(socks.data_to_send())
                if socks.must_close:
                    return

    def _authenticate(self, socks: Socks5Server) -> None:
        if self.status:
            socks.refuse_authentication(self.status)
        else:
            socks.accept_authentication()

    async def _connect(self, socks: Socks5Server, stream: TcpStream) -> None:
        if self.reply:
            socks.refuse(self.reply)
            await stream.send(socks.data_to_send())
            return
        socks.accept()
        await stream.send(socks.data_to_send() + self.glued)
        await self.server.play(stream)


@contextlib.asynccontextmanager
async def running(party: ScriptedServer | ScriptedProxy) -> AsyncIterator[None]:
    """Listen on a free port, serve until the end of the block, and let every script come to its own end."""
    listener = Listener("127.0.0.1", 0)
    party.address = listener.address
    over = asyncio.Condition()
    running_scripts = 0

    async def serve(stream: TcpStream) -> None:
        nonlocal running_scripts
        running_scripts += 1
        try:
            await party.serve(stream)
        finally:
            running_scripts -= 1
            async with over:
                over.notify_all()

    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(listener.serve(serve))
        try:
            yield
            async with asyncio.timeout(TIMEOUT_S), over:
                await over.wait_for(lambda: not running_scripts)
        finally:
            serving.cancel()
            listener.close()
