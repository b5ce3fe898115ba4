"""Keep one tunnel up: dial out, TLS, HTTP Upgrade, serve streams, and dial again when it is lost.

Rules of the real connector (facts, sections 2.1 and 2.3): a tunnel that never got through stays ``ConnectFailure``
until it is told to connect; one that had been up is dialled again, at most 150 times in a row, with a delay that
doubles up to a minute.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import ssl
from typing import Literal

import connector_sim.on_premise.settings as on_premise_settings
from connector_sim.observing import DescribeCertificate, observe_handshake
from connector_sim.tunnel.handshake import TunnelHello, request_upgrade
from connector_sim.tunnel.session import ServeStream, SessionSettings, TunnelSession
from maco_net.errors import HandshakeError, HandshakeFacts, NetError, PeerAlert
from maco_net.tcp import connect_tcp
from maco_net.tls import TlsStream, start_tls
from maco_wire.observation import Address, Party, Record, TlsSession, TunnelState

CONNECTOR_VERSION = "2.19.0.2"
"""The version that the recorded exchanges show; sent in the handshake."""
DISCONNECTED = "disconnected by the administrator"
VERIFIED_AGAINST = "Cloud Connector's view of the cloud"

_log = logging.getLogger(__name__)


class TunnelClient:
    """The tunnel of one subaccount. ``state`` has the values of the connector's own API."""

    def __init__(
        self,
        settings: on_premise_settings.ConnectorSettings,
        subaccount: on_premise_settings.SubaccountSettings,
        context: ssl.SSLContext,
        *,
        record: Record,
        describe_certificate: DescribeCertificate,
        session_settings: SessionSettings | None = None,
    ) -> None:
        """Take a client context that holds the subaccount certificate and trusts the cloud side."""
        self._settings = settings
        self._subaccount = subaccount
        self._context = context
        self._record = record
        self._describe = describe_certificate
        self._session_settings = session_settings
        self._session: TunnelSession | None = None
        self.state: Literal["Connected", "ConnectFailure", "Disconnected"] = "Disconnected"
        self.tried = asyncio.Event()
        """Set once the first attempt, since the start or since ``connect``, has succeeded or failed."""
        self._told_to_connect = asyncio.Event()
        self._is_wanted = True
        self._at_rest = asyncio.Event()

    async def run(self, serve: ServeStream) -> None:
        """Keep the tunnel up until cancelled; one that fails for good waits until it is told to connect."""
        while True:
            self._told_to_connect.clear()
            if self._is_wanted:
                await self._keep_up(serve)
            self._at_rest.set()
            await self._told_to_connect.wait()
            self._at_rest.clear()

    async def _keep_up(self, serve: ServeStream) -> None:
        """Dial, serve, and dial again; return when it makes no sense any more."""
        attempts = 0
        has_been_up = False
        while True:
            try:
                session, early_bytes = await self._connect()
            except NetError as error:
                self._enter("ConnectFailure", str(error))
                attempts += 1
                if not has_been_up or attempts >= self._settings.max_reconnect_attempts:
                    return
            else:
                attempts, has_been_up = 0, True
                await self._carry(session, serve, early_bytes)
            if self._is_wanted:
                await self._pause(attempts)
            if not self._is_wanted:
                return

    async def _carry(self, session: TunnelSession, serve: ServeStream, early_bytes: bytes) -> None:
        self._enter("Connected", "")
        if not self._is_wanted:
            session.abort(DISCONNECTED)
        reason = "closed"
        try:
            reason = await session.run(serve, early_bytes=early_bytes)
        finally:
            self._session = None
            self._enter("Disconnected", reason)

    def connect(self) -> None:
        """Dial now, as the administration's button does: after a failure, or instead of waiting for the next try."""
        self._is_wanted = True
        if self._session is None:
            self.tried.clear()
        self._told_to_connect.set()

    def cut(self) -> None:
        """Break the tunnel as a network failure would; it is dialled again."""
        if self._session:
            self._session.abort("cut on purpose")

    async def disconnect(self) -> None:
        """End the tunnel, as the administration's button does, and stay down until told to connect."""
        self._is_wanted = False
        if self._session:
            self._session.abort(DISCONNECTED)
        self._told_to_connect.set()  # wakes whoever waits for the next try
        await self._at_rest.wait()

    async def _pause(self, attempts: int) -> None:
        doubled = self._settings.first_reconnect_delay_s * 2.0 ** min(attempts, 20)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(doubled, self._settings.longest_reconnect_delay_s)):
                await self._told_to_connect.wait()
        self._told_to_connect.clear()

    async def _connect(self) -> tuple[TunnelSession, bytes]:
        """Open the tunnel; raises NetError."""
        tls = await self._start_tls()
        hello = TunnelHello(
            self._subaccount.subaccount,
            self._subaccount.location_id,
            self._settings.installation_id,
            CONNECTOR_VERSION,
        )
        try:
            early_bytes = await self._ask_for_tunnel(tls, hello)
        except BaseException:
            await tls.aclose()
            raise
        self._session = TunnelSession(tls, "server", self._session_settings)
        return self._session, early_bytes

    async def _start_tls(self) -> TlsStream:
        stream = await connect_tcp(*self._settings.tunnel_address, timeout_s=self._settings.tunnel_connect_s)
        addresses = {"local": stream.local_address, "peer": stream.peer_address}
        name, deadline = self._settings.tunnel_host, self._settings.tunnel_handshake_s
        try:
            return await start_tls(stream, self._context, server_name=name, timeout_s=deadline)
        except HandshakeError as error:
            self._report_handshake(error.facts, addresses)
            raise

    async def _ask_for_tunnel(self, tls: TlsStream, hello: TunnelHello) -> bytes:
        """Ask, and report the TLS handshake only with the answer.

        In TLS 1.3 the endpoint judges the client certificate after the client's own handshake is over; its alert comes
        instead of the answer.
        """
        facts = tls.facts
        name, deadline = self._settings.tunnel_host, self._settings.tunnel_handshake_s
        try:
            return await request_upgrade(tls, hello, host=name, timeout_s=deadline)
        except PeerAlert as error:
            facts = dataclasses.replace(facts, error=str(error), alert_received=error.alert)
            raise
        finally:
            self._report_handshake(facts, {"local": tls.local_address, "peer": tls.peer_address})

    def _report_handshake(self, facts: HandshakeFacts, addresses: dict[str, Address]) -> None:
        self._record(
            observe_handshake(
                facts,
                Party.CLOUD_CONNECTOR,
                TlsSession.TUNNEL,
                "client",
                self._describe,
                VERIFIED_AGAINST,
                addresses,
                name_checked=self._settings.tunnel_host,
                client_certificate=f"subaccount certificate of {self._subaccount.subaccount}",
            )
        )

    def _enter(self, state: Literal["Connected", "ConnectFailure", "Disconnected"], reason: str) -> None:
        self.state = state
        self._record(
            TunnelState(Party.CLOUD_CONNECTOR, state, self._subaccount.subaccount, self._subaccount.location_id, reason)
        )
        self.tried.set()
