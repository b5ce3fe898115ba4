"""Open one TLS connection of a tunnel: TCP, TLS with the subaccount certificate, HTTP Upgrade; report how it went."""

from __future__ import annotations

import dataclasses
import ssl

from connector_sim.observing import DescribeCertificate, observe_handshake
from connector_sim.on_premise.settings import ConnectorSettings
from connector_sim.tunnel.handshake import TunnelHello, request_upgrade
from connector_sim.tunnel.keep_alive import with_keep_alive
from maco_net.errors import HandshakeError, HandshakeFacts, PeerAlert
from maco_net.tcp import connect_tcp
from maco_net.tls import TlsStream, start_tls
from maco_wire.observation import Address, Party, Record, TlsSession

VERIFIED_AGAINST = "Cloud Connector's view of the cloud"


class TunnelDialer:
    """Dials for one subaccount."""

    def __init__(
        self,
        settings: ConnectorSettings,
        context: ssl.SSLContext,
        *,
        record: Record,
        describe_certificate: DescribeCertificate,
    ) -> None:
        """Take a client context that holds the subaccount certificate and trusts the cloud side."""
        self._settings = settings
        self.context = context
        self._record = record
        self._describe = describe_certificate

    async def dial(self, hello: TunnelHello) -> tuple[TlsStream, bytes]:
        """Return an open connection and the bytes that were glued behind the answer; raises NetError."""
        tls = await self._start_tls(hello)
        try:
            return tls, await self._ask_for_tunnel(tls, hello)
        except BaseException:
            await tls.aclose()
            raise

    async def _start_tls(self, hello: TunnelHello) -> TlsStream:
        stream = await connect_tcp(*self._settings.tunnel_address, timeout_s=self._settings.tunnel_connect_s)
        stream = with_keep_alive(stream, self._settings.tunnel.keep_alive)
        addresses = {"local": stream.local_address, "peer": stream.peer_address}
        name, deadline = self._settings.tunnel_host, self._settings.tunnel_handshake_s
        try:
            return await start_tls(stream, self.context, server_name=name, timeout_s=deadline)
        except HandshakeError as error:
            self._report_handshake(hello, error.facts, addresses)
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
            self._report_handshake(hello, facts, {"local": tls.local_address, "peer": tls.peer_address})

    def _report_handshake(self, hello: TunnelHello, facts: HandshakeFacts, addresses: dict[str, Address]) -> None:
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
                client_certificate=f"subaccount certificate of {hello.subaccount}",
            )
        )
