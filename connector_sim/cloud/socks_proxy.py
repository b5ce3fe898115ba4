"""The SOCKS5 proxy that cloud applications dial: verify the token, find the tunnel, open a stream in it, relay.

Success is answered only after the Cloud Connector has opened the back end (and, for TCP TLS, finished TLS with it).
Replies: 0x02 no mapping, 0x03 no tunnel for subaccount and location ID, 0x04 back end not reachable, 0x01 anything
else; a back end that the connector does not trust is answered as the settings say.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from dataclasses import dataclass

from connector_sim.admission import Admission, Lease
from connector_sim.cloud.registry import TunnelRegistry
from connector_sim.cloud.settings import ConnectivitySettings
from connector_sim.cloud.tokens import TokenClaims, TokenRefusal, Tokens
from connector_sim.passage import Watcher
from connector_sim.relay import Relay, RelaySettings
from connector_sim.relays import Relays
from connector_sim.tunnel.session import TunnelFull
from connector_sim.tunnel.stream import TunnelStream
from maco_net.errors import NetError
from maco_net.seldom_log import SeldomLog
from maco_net.socket_side import SocketSide
from maco_net.streams import close_gently
from maco_net.tcp import TcpStream
from maco_wire import socks5
from maco_wire.exceptions import RemoteProtocolError
from maco_wire.observation import Problem, StreamOpened, StreamRefused, TokenRefused
from maco_wire.socks5 import Reply
from maco_wire.tunnel_messages import (
    OpenAccepted,
    OpenAnswerReader,
    OpenRefused,
    OpenRequest,
    RefusalReason,
    encode_open_request,
)

READ_BYTES = 8 * 1024

_log = logging.getLogger(__name__)

_REPLIES = {
    RefusalReason.NO_MAPPING: Reply.FORBIDDEN,
    RefusalReason.BACK_END_UNREACHABLE: Reply.HOST_UNREACHABLE,
    RefusalReason.LIMIT_REACHED: Reply.FAILURE,
    RefusalReason.INTERNAL_ERROR: Reply.FAILURE,
}
_UNTRUSTED_REPLIES = {
    "host_unreachable": Reply.HOST_UNREACHABLE,
    "failure": Reply.FAILURE,
    "success_then_close": Reply.SUCCESS,
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What an authenticated client asked for."""

    claims: TokenClaims
    location_id: str
    host: str
    port: int
    trace_id: str


class _Refusal(Exception):
    """The request cannot be served; ``reply`` goes on the wire."""

    def __init__(self, reply: int, reason: str) -> None:
        super().__init__(reason)
        self.reply = reply
        self.reason = reason


class SocksProxy:
    """Serve SOCKS5 clients."""

    def __init__(
        self, settings: ConnectivitySettings, tokens: Tokens, registry: TunnelRegistry, watcher: Watcher
    ) -> None:
        self._settings = settings
        self._tokens = tokens
        self._registry = registry
        self._watcher = watcher
        self.relays = Relays()
        self._relay_settings = RelaySettings(settings.half_closed_s)
        self._admission = Admission(settings.max_connections_per_client)
        self._seldom_log = SeldomLog(_log)

    async def serve(self, stream: TcpStream) -> None:
        """Serve one client until its connection ends, or is relayed."""
        await self._serve(stream)
        if not stream.is_kept:
            await close_gently(stream)  # a client that had sent more than it should still reads why it was refused

    async def _serve(self, stream: TcpStream) -> None:
        machine = socks5.Socks5Server()
        try:
            async with asyncio.timeout(self._settings.negotiation_s):
                asked = await self._negotiate(stream, machine)
        except RemoteProtocolError as error:
            self._problem(stream, str(error))
            return
        except TimeoutError:
            self._problem(stream, f"no CONNECT request within {self._settings.negotiation_s:g} s")
            return
        if asked is not None:
            await self._connect(stream, machine, asked)

    async def _negotiate(self, stream: TcpStream, machine: socks5.Socks5Server) -> _Asked | None:
        """Return what the client asks for; None if it left or was refused before it could ask."""
        claims: TokenClaims | None = None
        location_id = ""
        heard = False
        events: list[socks5.ServerEvent] = []
        while True:
            await stream.send(machine.data_to_send())
            if not events:
                if machine.must_close:
                    return None
                data = await stream.receive(READ_BYTES)
                if not (data or heard):
                    return None  # it only looked whether somebody listens
                heard = True
                events = machine.receive_data(data) if data else machine.receive_eof()
                continue
            match events.pop(0):
                case socks5.AuthenticationRequested(token, location_id):
                    claims = self._authenticate(stream, machine, token, events)
                case socks5.ConnectRequested(host, port) if claims:
                    return _Asked(claims, location_id, host, port, uuid.uuid4().hex[:16])
                case socks5.ConnectRequested():  # the token was refused in the reply, not in the status
                    machine.refuse(Reply.CONNECTION_REFUSED)
                case socks5.Refused(_, text, step):
                    self._problem(stream, f"SOCKS5 {step} refused: {text}")

    def _authenticate(
        self, stream: TcpStream, machine: socks5.Socks5Server, token: str, events: list[socks5.ServerEvent]
    ) -> TokenClaims | None:
        try:
            claims = self._tokens.verify(token)
        except TokenRefusal as refusal:
            self._watcher.record(
                TokenRefused(self._watcher.party, str(refusal), local=stream.local_address, peer=stream.peer_address)
            )
            if self._settings.bad_token_answer == "status":  # noqa: S105 - how to answer, not a token
                machine.refuse_authentication()
                return None
            claims = None
        events += machine.accept_authentication()
        return claims

    async def _connect(self, stream: TcpStream, machine: socks5.Socks5Server, asked: _Asked) -> None:
        try:
            tunnel_stream, greeting, lease = await self._open(asked)
        except _Refusal as refusal:
            self._report_refused(stream, asked, refusal)
            if refusal.reply == Reply.SUCCESS:
                machine.accept()
            else:
                machine.refuse(refusal.reply)
            await stream.send(machine.data_to_send())
            return
        self._report_opened(stream, asked)
        machine.accept()
        relay = Relay(SocketSide(stream), tunnel_stream, self._watcher, asked.trace_id, self._relay_settings)
        try:
            await stream.send(machine.data_to_send())
        except BaseException:
            relay.cancel()
            lease.release()
            raise
        stream.is_kept = True
        self.relays.start(relay, lease, early_to_maco=greeting, early_to_mail_server=machine.trailing_data)

    async def _open(self, asked: _Asked) -> tuple[TunnelStream, bytes, Lease]:
        """Open a stream for a client that has not too many; the lease is to be released when the connection ends.

        Clients that have not got as far as CONNECT take no lease. Raises _Refusal.
        """
        lease = self._admission.admit(asked.claims.client_id)
        if lease is None:
            raise self._too_many(asked)
        try:
            return *await self._open_stream(asked), lease
        except BaseException:
            lease.release()
            raise

    def _too_many(self, asked: _Asked) -> _Refusal:
        text = (
            f"limit reached: client {asked.claims.client_id!r} has {self._admission.most} open connections; "
            "the setting is max_connections_per_client"
        )
        self._seldom_log.warning(text)
        return _Refusal(Reply.FAILURE, text)

    async def _open_stream(self, asked: _Asked) -> tuple[TunnelStream, bytes]:
        """Open a stream in the right tunnel; return it with the payload glued behind the answer. Raises _Refusal."""
        session = self._registry.find(asked.claims.subaccount, asked.location_id)
        if session is None:
            raise _Refusal(Reply.NETWORK_UNREACHABLE, self._no_tunnel(asked))
        try:
            tunnel_stream = await session.open_stream()
            try:
                return tunnel_stream, await self._ask_connector(tunnel_stream, asked)
            except BaseException:
                tunnel_stream.abort()
                raise
        except TimeoutError:
            raise _Refusal(Reply.HOST_UNREACHABLE, "the Cloud Connector did not answer in time") from None
        except (RemoteProtocolError, TunnelFull) as error:
            raise _Refusal(Reply.FAILURE, str(error)) from error
        except NetError as error:
            if session.is_open:
                raise _Refusal(Reply.FAILURE, f"the Cloud Connector gave up: {error}") from error
            raise _Refusal(Reply.NETWORK_UNREACHABLE, f"the tunnel was lost: {error}") from error

    async def _ask_connector(self, tunnel_stream: TunnelStream, asked: _Asked) -> bytes:
        reader = OpenAnswerReader()
        answer: OpenAccepted | OpenRefused | None = None
        async with asyncio.timeout(self._settings.open_s):
            await tunnel_stream.send(encode_open_request(OpenRequest(asked.host, asked.port, asked.trace_id)))
            while answer is None:
                data = await tunnel_stream.receive()
                if not data:
                    raise _Refusal(Reply.FAILURE, "the Cloud Connector ended the stream without an answer")
                answer = reader.receive_data(data)
        if isinstance(answer, OpenRefused):
            raise _Refusal(self._reply(answer.reason), _reason_text(answer.reason))
        return reader.trailing_data

    def _reply(self, reason: RefusalReason) -> int:
        if reason is RefusalReason.BACK_END_TLS_FAILED:
            return _UNTRUSTED_REPLIES[self._settings.untrusted_back_end_answer]
        return _REPLIES[reason]

    def _no_tunnel(self, asked: _Asked) -> str:
        connected = self._registry.location_ids(asked.claims.subaccount)
        there = ", ".join(repr(location) for location in connected) or "none"
        return f"no Cloud Connector with location ID {asked.location_id!r} is connected; connected: {there}"

    def _report_opened(self, stream: TcpStream, asked: _Asked) -> None:
        self._watcher.record(
            StreamOpened(
                self._watcher.party,
                asked.host,
                asked.port,
                asked.claims.subaccount,
                asked.location_id,
                trace_id=asked.trace_id,
                local=stream.local_address,
                peer=stream.peer_address,
            )
        )

    def _report_refused(self, stream: TcpStream, asked: _Asked, refusal: _Refusal) -> None:
        self._watcher.record(
            StreamRefused(
                self._watcher.party,
                asked.host,
                asked.port,
                refusal.reason,
                asked.claims.subaccount,
                asked.location_id,
                int(refusal.reply),
                trace_id=asked.trace_id,
                local=stream.local_address,
                peer=stream.peer_address,
            )
        )

    def _problem(self, stream: TcpStream, text: str) -> None:
        _log.info("SOCKS5 client refused: %s", text)
        self._watcher.record(Problem(self._watcher.party, text, local=stream.local_address, peer=stream.peer_address))


def _reason_text(reason: RefusalReason) -> str:
    return {
        RefusalReason.NO_MAPPING: "the Cloud Connector has no mapping for this virtual host and port",
        RefusalReason.BACK_END_UNREACHABLE: "the Cloud Connector cannot reach the internal host",
        RefusalReason.BACK_END_TLS_FAILED: "the Cloud Connector's TLS handshake with the back end failed",
        RefusalReason.LIMIT_REACHED: "the Cloud Connector has reached a limit: its log names the setting",
        RefusalReason.INTERNAL_ERROR: "the Cloud Connector failed",
    }[reason]
