"""Where Cloud Connectors dial in: mutual TLS, the HTTP Upgrade, then a yamux session that lives in the registry.

A connector without a certificate asks for one here too: it needs none for that, only a user and a password.

Answers of the Upgrade: 101; 400 not a request for a tunnel; 401 no client certificate, or one outside its validity;
403 the certificate is not that of the subaccount, or the subaccount is unknown; 409 another installation has this
location ID, or this tunnel was replaced by a newer one; 503 too many connections. TLS itself verifies the chain of the
client certificate but not its dates: those are checked here, so that an expired one is told by 401 as the real service
does.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import http
import logging
import ssl
from collections.abc import Callable
from typing import Literal

from cryptography import x509
from cryptography.x509.oid import NameOID

from connector_sim.cloud.certificate_signing import CertificateSigning
from connector_sim.cloud.registry import Connection, TunnelRegistry
from connector_sim.cloud.settings import ConnectivitySettings
from connector_sim.http_server import serve_begun
from connector_sim.observing import DescribeCertificate, observe_handshake
from connector_sim.signing import PATH as SIGNING_PATH
from connector_sim.tunnel.handshake import TunnelHello, UpgradeRequest
from connector_sim.tunnel.keep_alive import with_keep_alive
from connector_sim.tunnel.session import SessionSettings, TunnelSession
from maco_net.errors import HandshakeError
from maco_net.tcp import TcpStream
from maco_net.tls import TlsStream, start_tls
from maco_wire.observation import Party, Record, TlsSession, TunnelConnections, TunnelState

MAX_CONNECTIONS = 1024
"""How many TLS connections of all tunnels together are carried at a time."""
VERIFIED_AGAINST = "Connectivity service's client CA"
_NO_CHECK_TIME = ssl.VerifyFlags(0x200000)  # X509_V_FLAG_NO_CHECK_TIME; this module checks the dates

_log = logging.getLogger(__name__)


class TunnelEndpoint:
    """Serve Cloud Connectors that dial in."""

    def __init__(
        self,
        settings: ConnectivitySettings,
        registry: TunnelRegistry,
        context: ssl.SSLContext,
        *,
        record: Record,
        describe_certificate: DescribeCertificate,
        now: Callable[[], dt.datetime],
        session_settings: SessionSettings | None = None,
        signing: CertificateSigning | None = None,
    ) -> None:
        """Take a server context that asks for client certificates and trusts the cloud side's client CA alone.

        Without ``signing`` no certificate is signed here.
        """
        context.verify_mode = ssl.CERT_OPTIONAL  # one that is missing is told by 401 instead of a TLS alert
        context.verify_flags |= _NO_CHECK_TIME
        self._settings = settings
        self._registry = registry
        self._context = context
        self._record = record
        self._describe = describe_certificate
        self._now = now
        self._session_settings = session_settings
        self._signing = signing
        self._connections = 0

    async def serve(self, stream: TcpStream) -> None:
        """Serve one connector until its tunnel ends."""
        tls = await self._start_tls(with_keep_alive(stream, self._settings.tunnel.keep_alive))
        if tls is None:
            return
        try:
            request = UpgradeRequest(tls, self._settings.tunnel_handshake_s)
            hello = await request.read()
            if self._signing and request.head and request.head.target == SIGNING_PATH.encode():
                deadline = self._settings.tunnel_handshake_s
                await serve_begun(tls, request.connection, request.head, self._signing.handle, timeout_s=deadline)
                return
            status = self._verdict(hello, tls.peer_certificate)
            if status is not http.HTTPStatus.SWITCHING_PROTOCOLS or hello is None:
                _log.info("tunnel refused: %d %s", status, status.phrase)
                await request.refuse(status)
            else:
                await self._run(hello, tls, request)
        finally:
            await tls.aclose()

    async def _start_tls(self, stream: TcpStream) -> TlsStream | None:
        addresses = {"local": stream.local_address, "peer": stream.peer_address}
        deadline = self._settings.tunnel_handshake_s
        facts, tls = None, None
        try:
            tls = await start_tls(stream, self._context, server_side=True, timeout_s=deadline)
            facts = tls.facts
        except HandshakeError as error:
            facts = error.facts
        seen = observe_handshake(
            facts, Party.CONNECTIVITY, TlsSession.TUNNEL, "server", self._describe, VERIFIED_AGAINST, addresses
        )
        self._record(seen)
        return tls

    def _verdict(self, hello: TunnelHello | None, certificate: bytes | None) -> http.HTTPStatus:
        if hello is None:
            return http.HTTPStatus.BAD_REQUEST
        if certificate is None or not self._is_valid_now(certificate):
            return http.HTTPStatus.UNAUTHORIZED
        if hello.subaccount not in self._settings.subaccounts or _subaccount(certificate) != hello.subaccount:
            return http.HTTPStatus.FORBIDDEN
        if not self._registry.admits(hello):
            return http.HTTPStatus.CONFLICT
        if self._connections >= MAX_CONNECTIONS:
            return http.HTTPStatus.SERVICE_UNAVAILABLE
        return http.HTTPStatus.SWITCHING_PROTOCOLS

    async def _run(self, hello: TunnelHello, tls: TlsStream, request: UpgradeRequest) -> None:
        """Take the place first, so that nobody else is admitted to it meanwhile, then answer 101 and carry streams."""
        session = TunnelSession(tls, "client", self._session_settings)
        connection = self._registry.add(hello, session)
        self._connections += 1
        try:
            await self._wait_for_end_of(connection.predecessors)
            early_bytes = await request.accept()
            await self._carry(connection, early_bytes)
        finally:
            self._connections -= 1
            self._registry.remove(connection)
            connection.gone.set()

    async def _wait_for_end_of(self, predecessors: tuple[Connection, ...]) -> None:
        """Wait, so that their "Disconnected" is told before the "Connected" of what replaces them."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.tunnel_handshake_s):
                for each in predecessors:
                    await each.gone.wait()

    async def _carry(self, connection: Connection, early_bytes: bytes) -> None:
        tunnel = connection.tunnel
        connection.predecessors = tunnel.predecessors = ()  # gone: none may live as long as what replaces it
        tunnel.up += 1
        if tunnel.up == 1:
            self._report("Connected", connection.hello, "")
        self._report_connections(connection, "")
        reason = "closed"
        try:
            reason = await connection.session.run(early_bytes=early_bytes)
        finally:
            tunnel.up -= 1
            self._report_connections(connection, reason)
            if tunnel.up == 0:
                self._report("Disconnected", connection.hello, reason)

    def _report(self, state: Literal["Connected", "Disconnected"], hello: TunnelHello, reason: str) -> None:
        self._record(TunnelState(Party.CONNECTIVITY, state, hello.subaccount, hello.location_id, reason))

    def _report_connections(self, connection: Connection, reason: str) -> None:
        hello, up = connection.hello, connection.tunnel.up
        if hello.connections > 1:
            self._record(
                TunnelConnections(
                    Party.CONNECTIVITY, hello.subaccount, hello.location_id, up, hello.connections, reason
                )
            )

    def _is_valid_now(self, der: bytes) -> bool:
        certificate = x509.load_der_x509_certificate(der)
        return certificate.not_valid_before_utc <= self._now() <= certificate.not_valid_after_utc


def _subaccount(der: bytes) -> str:
    names = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""
