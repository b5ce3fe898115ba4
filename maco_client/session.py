"""One IMAP session over a byte stream: the pure ``ImapClient`` with sockets and deadlines around it.

One rule: MaCo's "Timeout (in ms)" is for every write, and for every answer to begin and to go on (``Patience``); what
an answer may bring is bounded (``Answer``); and nothing that was heard before STARTTLS is remembered behind it. What
the server refuses is raised as CommandRefused; what goes wrong below comes as the errors of ``maco_net``. Nothing is
reported or explained here.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from maco_client.answer import Answer
from maco_client.failures import CommandRefused, ConnectionDropped, MailTooLarge, ServerBye, StarttlsInjected
from maco_client.imap import (
    BodyChunk,
    BodyEnded,
    BodyEvent,
    BodyStarted,
    CapabilityData,
    Condition,
    Data,
    Event,
    ExistsData,
    FetchData,
    Greeting,
    ImapClient,
    ListData,
    OtherData,
    SearchData,
    StatusResponse,
    mailbox,
    read_number,
    uid_set,
)
from maco_client.patience import Patience
from maco_net.errors import DeadlineExceeded, HandshakeFacts
from maco_net.streams import CHUNK_BYTES, ByteStream
from maco_net.tcp import TcpStream
from maco_net.tls import start_tls
from maco_wire.exceptions import RemoteProtocolError
from maco_wire.observation import Address

SEARCH_WINDOW = 5_000  # messages per SEARCH, so that its answer (11 bytes a number) stays below 64 KiB
MAX_FOUND = 1_000_000  # by all windows of a search together: 100 MB of memory
UIDS_PER_COMMAND = 100  # some servers drop a connection over a line of 16 KB
LOGOUT_TIMEOUT_S = 2.0


class BodySink(Protocol):
    """Where a mail's body goes as it arrives."""

    async def write(self, data: bytes) -> None:
        """Take the next bytes."""


class Tap(Protocol):
    """Sees what passes above TLS, both ways."""

    def sent(self, data: bytes) -> None:
        """See bytes that leave MaCo."""

    def received(self, data: bytes) -> None:
        """See bytes that reach MaCo."""


@dataclass(frozen=True, slots=True)
class SelectedFolder:
    """What SELECT told (RFC 3501, section 6.3.1); ``uid_validity`` None means that UIDs do not last."""

    uid_validity: int | None
    exists: int
    read_only: bool


class ImapSession:
    """A session on a connected stream.

    ``early`` is what the layer below has read already: a greeting may be glued to the SOCKS5 reply.
    """

    def __init__(self, stream: TcpStream, *, timeout_s: float, tap: Tap, early: bytes = b"") -> None:
        self._tcp: TcpStream | None = stream
        self._stream: ByteStream | None = stream
        self._timeout_s = timeout_s
        self._patience = Patience(timeout_s)
        self._tap = tap
        self._early = early
        self._client = ImapClient()
        self._pending: list[Event] = []
        self.addresses: tuple[Address, Address] = (stream.local_address, stream.peer_address)
        """(local, peer) of the TCP socket."""

    @property
    def is_encrypted(self) -> bool:
        """Tell whether TLS is established on MaCo's own connection."""
        return self._tcp is None

    async def begin_tls(self, context: ssl.SSLContext, server_name: str) -> HandshakeFacts:
        """Shake hands with the mail server; ``server_name`` is sent as SNI and checked. Raises HandshakeError."""
        assert self._tcp is not None  # the callers are implicit TLS and STARTTLS, each once, before anything else
        if self._early:
            raise RemoteProtocolError("TLS", "nothing before the ClientHello", f"{len(self._early)} bytes")
        stream, self._tcp, self._stream = self._tcp, None, None  # start_tls uses the stream up, whatever comes of it
        tls = await start_tls(stream, context, timeout_s=self._timeout_s, server_name=server_name)
        self._stream = tls
        return tls.facts

    async def read_greeting(self) -> StatusResponse:
        """Return the greeting, OK or PREAUTH; raises ServerBye."""
        self._patience.begin_answer()
        while True:
            for event in (await self._next_events())[0]:
                if isinstance(event, Greeting):
                    if event.status.condition is Condition.BYE:
                        raise ServerBye(event.status)
                    return event.status

    async def capability(self) -> frozenset[str]:
        """Ask what the server can do (section 6.1.1); names in upper case."""
        answer = Answer("CAPABILITY", CapabilityData)
        await self._exchange("CAPABILITY", answer=answer)
        if not answer.data:
            raise RemoteProtocolError("IMAP", "* CAPABILITY", "OK without it")
        return answer.data[-1].capabilities

    async def starttls(self) -> None:
        """Send STARTTLS (section 6.2.1) and stand just before the handshake.

        Raises StarttlsInjected if plaintext stands behind the answer: it could have come from anybody.
        """
        await self._exchange("STARTTLS")
        if self._client.plaintext_behind_starttls:
            raise StarttlsInjected(self._client.plaintext_behind_starttls)

    async def go_on_in_tls(self, context: ssl.SSLContext, server_name: str) -> HandshakeFacts:
        """Begin TLS behind an accepted STARTTLS; raises HandshakeError."""
        facts = await self.begin_tls(context, server_name)
        self._client.tls_established()
        return facts

    async def login(self, user: str, password: str) -> None:
        """Log in by LOGIN (section 6.2.3)."""
        await self._exchange("LOGIN", user, password)

    async def list_folders(self, name: str) -> list[ListData]:
        """Return the mailboxes that match ``name`` (section 6.3.8)."""
        answer = Answer("LIST", ListData)
        await self._exchange("LIST", "", mailbox(name), answer=answer)
        return answer.data

    async def select(self, folder: str) -> SelectedFolder:
        """Open ``folder`` for reading and writing (section 6.3.1)."""
        answer = Answer("SELECT", ExistsData)
        status = await self._exchange("SELECT", mailbox(folder), answer=answer)
        return SelectedFolder(
            uid_validity=read_number(answer.uid_validity) if answer.uid_validity is not None else None,
            exists=max((each.count for each in answer.data), default=0),
            read_only=status.code is not None and status.code.name == "READ-ONLY",
        )

    async def uid_search(self, criterion: str, exists: int) -> list[int]:
        """Return the UIDs of the mails that ``criterion`` (such as UNSEEN) finds among ``exists`` messages, ascending.

        A large folder is asked in windows of message numbers, because a SEARCH answers in one line.
        """
        found: set[int] = set()
        for first in range(1, max(exists, 1) + 1, SEARCH_WINDOW):
            window = [b"%d:%d" % (first, min(exists, first + SEARCH_WINDOW - 1))] if exists > SEARCH_WINDOW else []
            answer = Answer("UID SEARCH", SearchData)
            await self._exchange("UID SEARCH", *window, criterion.encode("ascii"), answer=answer)
            found.update(uid for each in answer.data for uid in each.numbers)
            if len(found) > MAX_FOUND:
                raise RemoteProtocolError("IMAP", f"a search that finds at most {MAX_FOUND} mails", "more")
        return sorted(found - {0})

    async def fetch_summaries(self, uids: Sequence[int]) -> dict[int, FetchData]:
        """Return flags and size of each mail of ``uids`` that is still there, in the order of the UIDs.

        At most ``UIDS_PER_COMMAND`` at a time.
        """
        answer = Answer("UID FETCH", FetchData)
        await self._exchange("UID FETCH", uid_set(uids), b"(UID FLAGS RFC822.SIZE)", answer=answer)
        answered = {each.uid: each for each in answer.data if each.flags is not None}
        return {uid: answered[uid] for uid in sorted(uids) if uid in answered}

    async def fetch_body(self, uid: int, sink: BodySink, *, max_bytes: int) -> bool:
        """Stream the mail ``uid`` into ``sink`` without setting its flag as read; False if it is gone.

        Raises MailTooLarge, after which the session is of no use: the rest of the mail would have to be read.
        """
        receiver = _BodyReceiver(sink, max_bytes)
        # Section 6.4.5: "An alternate form of BODY[<section>] that does not implicitly set the \Seen flag."
        answer = Answer("UID FETCH", FetchData)
        await self._exchange("UID FETCH", uid_set([uid]), b"(UID BODY.PEEK[])", answer=answer, body=receiver)
        return await receiver.finish(uid, answer.data)

    async def store_flags(self, uid: int, flags: Collection[str]) -> None:
        """Add ``flags`` to a mail (section 6.4.6)."""
        await self._exchange("UID STORE", uid_set([uid]), b"+FLAGS.SILENT", f"({' '.join(flags)})".encode("ascii"))

    async def copy(self, uid: int, folder: str) -> None:
        """Copy a mail to ``folder`` (section 6.4.7)."""
        await self._exchange("UID COPY", uid_set([uid]), mailbox(folder))

    async def create(self, folder: str) -> None:
        """Create ``folder`` (section 6.3.3)."""
        await self._exchange("CREATE", mailbox(folder))

    async def close_folder(self) -> None:
        """Close the folder and expunge what is flagged as deleted (section 6.4.2)."""
        await self._exchange("CLOSE")

    async def logout(self) -> None:
        """Say goodbye (section 6.1.3); a server that just closes is forgiven."""
        try:
            async with asyncio.timeout(min(LOGOUT_TIMEOUT_S, self._timeout_s)):
                await self._exchange("LOGOUT")
        except (ConnectionDropped, TimeoutError):
            return

    async def aclose(self) -> None:
        """Close the connection."""
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.aclose()

    def abort(self) -> None:
        """Cut the connection, so that nobody on the way waits for what the mail server might still say."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.abort()

    async def _exchange(
        self,
        name: str,
        *arguments: str | bytes,
        answer: Answer[Any] | None = None,
        body: _BodyReceiver | None = None,
    ) -> StatusResponse:
        """Send a command, collect its ``answer`` and return its completion; raises CommandRefused."""
        answer = answer or Answer[Data](name, None)
        self._client.send_command(name, *arguments)
        await self._flush()
        self._patience.begin_answer()
        while True:
            match event := await self._next_event(answer):
                case StatusResponse(tag=str()):
                    return self._completed(name, event)
                case StatusResponse():
                    _raise_bye(name, event)
                    answer.take(event)
                case BodyStarted() | BodyChunk() | BodyEnded():
                    await _require_body(body).take(event)
                case CapabilityData() | ListData() | SearchData() | ExistsData() | FetchData() | OtherData():
                    answer.take(event)

    def _completed(self, name: str, status: StatusResponse) -> StatusResponse:
        if status.condition is not Condition.OK:
            raise CommandRefused(name, status)
        return status

    async def _next_event(self, answer: Answer[Any]) -> Event:
        while not self._pending:
            events, collected = await self._next_events()
            answer.count_bytes(collected)
            self._pending = events[::-1]
        return self._pending.pop()

    async def _next_events(self) -> tuple[list[Event], int]:
        """Feed, collect, send; return the events and how many bytes came that were no body."""
        data = await self._receive()
        self._tap.received(data)
        events = self._client.receive_data(data)
        self._patience.heard(events)
        await self._flush()
        return events, len(data) - sum(len(each.data) for each in events if isinstance(each, BodyChunk))

    async def _flush(self) -> None:
        data = self._client.data_to_send()
        if data:
            self._tap.sent(data)
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self._open_stream().send(data)
            except TimeoutError as error:
                raise DeadlineExceeded("IMAP", self._timeout_s) from error

    async def _receive(self) -> bytes:
        early, self._early = self._early, b""
        data = early or await self._patience.wait_for(self._open_stream().receive(CHUNK_BYTES))
        if not data:
            raise ConnectionDropped("the server closed the connection")
        return data

    def _open_stream(self) -> ByteStream:
        if self._stream is None:
            raise ConnectionDropped("the connection is closed")
        return self._stream


class _BodyReceiver:
    """Takes the one body that was asked for, and holds the server to it."""

    def __init__(self, sink: BodySink, max_bytes: int) -> None:
        self._sink = sink
        self._max_bytes = max_bytes
        self._started = False

    async def take(self, event: BodyEvent) -> None:
        match event:
            case BodyStarted(size=size):
                self._begin(size)
            case BodyChunk(data=data):
                await self._sink.write(data)

    async def finish(self, uid: int, data: list[FetchData]) -> bool:
        """Check that the body belonged to ``uid``, and take one that came as a quoted string."""
        mails = [each for each in data if each.body_streamed or each.body is not None]
        if not mails:
            return False
        if len(mails) > 1 or mails[0].uid != uid:
            raise RemoteProtocolError("IMAP", f"one body, of UID {uid}", f"{len(mails)}, first of UID {mails[0].uid}")
        if mails[0].body is not None:
            self._begin(len(mails[0].body))
            await self._sink.write(mails[0].body)
        return True

    def _begin(self, size: int) -> None:
        if self._started:
            raise RemoteProtocolError("IMAP", "one body", "a second one")
        if size > self._max_bytes:
            raise MailTooLarge(size, self._max_bytes)
        self._started = True


def _require_body(body: _BodyReceiver | None) -> _BodyReceiver:
    if body is None:
        raise RemoteProtocolError("IMAP", "no body, for none was asked for", "one")
    return body


def _raise_bye(name: str, status: StatusResponse) -> None:
    if status.condition is Condition.BYE and name != "LOGOUT":
        raise ServerBye(status)
