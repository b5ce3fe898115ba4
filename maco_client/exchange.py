"""Commands and answers over a byte stream: the pure ``ImapClient`` with sockets and deadlines around it.

One rule: MaCo's "Timeout (in ms)" is for every write, and for every answer to begin and to go on (``Patience``); what
an answer may bring is bounded (``Answer``); and nothing that was heard before STARTTLS is remembered behind it. What
the server refuses is raised as CommandRefused; what goes wrong below comes as the errors of ``maco_net``. Nothing is
reported or explained here.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from maco_client.answer import Answer
from maco_client.bodies import Bodies
from maco_client.failures import CommandRefused, ConnectionDropped, ServerBye, ServerNotProven, StarttlsInjected
from maco_client.imap import (
    BodyChunk,
    BodyEnded,
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
    StatusData,
    StatusResponse,
)
from maco_client.mail_stream import MailStream, Tap
from maco_client.patience import Patience
from maco_client.sasl.exchanges import Exchange, ServerUnproven
from maco_net.errors import DeadlineExceeded, HandshakeFacts
from maco_net.streams import CHUNK_BYTES
from maco_net.tcp import TcpStream
from maco_wire.exceptions import RemoteProtocolError


class ImapExchange(MailStream):
    """One command at a time on a connected stream."""

    def __init__(self, stream: TcpStream, *, timeout_s: float, tap: Tap, early: bytes = b"") -> None:
        super().__init__(stream, timeout_s=timeout_s, tap=tap, early=early)
        self._patience = Patience(timeout_s)
        self._client = ImapClient()
        self._pending: list[Event] = []

    async def read_greeting(self) -> StatusResponse:
        """Return the greeting, OK or PREAUTH; raises ServerBye."""
        self._patience.begin_answer()
        while True:
            for event in (await self._next_events())[0]:
                if isinstance(event, Greeting):
                    if event.status.condition is Condition.BYE:
                        raise ServerBye(event.status)
                    return event.status

    async def starttls(self) -> None:
        """Send STARTTLS (section 6.2.1) and stand just before the handshake.

        Raises StarttlsInjected if plaintext stands behind the answer: it could have come from anybody.
        """
        await self.exchange("STARTTLS")
        if self._client.plaintext_behind_starttls:
            raise StarttlsInjected(self._client.plaintext_behind_starttls)

    async def go_on_in_tls(self, context: ssl.SSLContext, server_name: str) -> HandshakeFacts:
        """Begin TLS behind an accepted STARTTLS; raises HandshakeError."""
        facts = await self.begin_tls(context, server_name)
        self._client.tls_established()
        return facts

    async def exchange(
        self,
        name: str,
        *arguments: str | bytes,
        answer: Answer[Any] | None = None,
        bodies: Bodies[Any] | None = None,
    ) -> StatusResponse:
        """Send a command, collect its ``answer`` and return its completion; raises CommandRefused."""
        self._client.send_command(name, *arguments)
        return await self._complete(name, answer or Answer[Data](name, None), bodies)

    async def authenticate(self, exchange: Exchange, *, initial_response: bool) -> StatusResponse:
        """Log in by a SASL mechanism (section 6.2.2); raises CommandRefused, and ServerNotProven.

        ``initial_response``: the server takes what the mechanism says first with the command (RFC 4959).
        """
        self._client.send_authenticate(exchange, initial_response=initial_response)
        try:
            return await self._complete("AUTHENTICATE", Answer[Data]("AUTHENTICATE", None), None)
        except ServerUnproven as error:
            raise ServerNotProven(str(error)) from error

    async def _complete(self, name: str, answer: Answer[Any], bodies: Bodies[Any] | None) -> StatusResponse:
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
                    await _asked_for(bodies).take(event)
                case FetchData() if bodies is not None:
                    answer.take(event)
                    await bodies.name(event)
                case (
                    CapabilityData()
                    | ListData()
                    | SearchData()
                    | ExistsData()
                    | StatusData()
                    | FetchData()
                    | OtherData()
                ):
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
        self.tap.received(data)
        events = self._client.receive_data(data)
        self._patience.heard(events)
        await self._flush()
        return events, len(data) - sum(len(each.data) for each in events if isinstance(each, BodyChunk))

    async def _flush(self) -> None:
        data = self._client.data_to_send()
        if data:
            stream = self._open_stream()
            self.tap.sent(data)
            self.secret_written = self._client.has_told_secret
            try:
                async with asyncio.timeout(self._timeout_s):
                    await stream.send(data)
            except TimeoutError as error:
                raise DeadlineExceeded("IMAP", self._timeout_s) from error

    async def _receive(self) -> bytes:
        early, self._early = self._early, b""
        data = early or await self._patience.wait_for(self._open_stream().receive(CHUNK_BYTES))
        if not data:
            raise ConnectionDropped("the server closed the connection")
        return data


def _asked_for(bodies: Bodies[Any] | None) -> Bodies[Any]:
    if bodies is None:
        raise RemoteProtocolError("IMAP", "no body, for none was asked for", "one")
    return bodies


def _raise_bye(name: str, status: StatusResponse) -> None:
    if status.condition is Condition.BYE and name != "LOGOUT":
        raise ServerBye(status)
