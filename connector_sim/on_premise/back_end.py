"""Open a back end as its mapping says: TCP, or TLS originated by the Cloud Connector.

The internal host is resolved here and only here, through the on-premise names the connector was given. SNI is the
internal host (the connector sends SNI since version 2.12.1; its value is not documented).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import NoReturn, TypeAlias

from connector_sim.observing import DescribeCertificate, observe_handshake
from connector_sim.on_premise.settings import ConnectorSettings, MappingProtocol, SystemMapping
from connector_sim.on_premise.trust_store import BackEndTrustStore
from maco_net.errors import ConnectError, HandshakeError
from maco_net.socket_side import Channel
from maco_net.tcp import TcpStream, connect_tcp
from maco_net.tls import TlsStream, start_tls
from maco_wire.observation import Address, Party, Record, TlsSession

Resolve: TypeAlias = Callable[[str, int], Address | None]
"""Where an internal host and port really listen; None if the on-premise names do not know it."""

Drops: TypeAlias = Callable[[str, int], bool]
"""Whether a firewall on premise drops what is sent to an internal host and port."""


def nothing_drops(_: str, __: int) -> bool:
    """Let everything through."""
    return False


class BackEndOpener:
    """Open back ends for one connector."""

    def __init__(
        self,
        settings: ConnectorSettings,
        trust_store: BackEndTrustStore,
        resolve: Resolve,
        *,
        record: Record,
        describe_certificate: DescribeCertificate,
        system_certificate: str = "",
        drops: Drops = nothing_drops,
    ) -> None:
        """``system_certificate`` is how the report names what the trust store offers to back ends, if it does."""
        self._settings = settings
        self.trust_store = trust_store
        self._resolve = resolve
        self._record = record
        self._describe = describe_certificate
        self._system_certificate = system_certificate
        self._drops = drops

    def trust(self, trust_store: BackEndTrustStore) -> BackEndTrustStore:
        """Judge back ends that are opened from now on by another store; return the one before."""
        before, self.trust_store = self.trust_store, trust_store
        return before

    async def open(self, mapping: SystemMapping, trace_id: str) -> Channel:
        """Return a stream to the back end. Raises ConnectError, or HandshakeError for TCP TLS."""
        stream = await self.dial(mapping)
        if mapping.protocol is MappingProtocol.TCP:
            return stream
        return await self._start_tls(stream, mapping, trace_id)

    async def dial(self, mapping: SystemMapping) -> TcpStream:
        """Return a connection to the internal host and port, before anything was said on it. Raises ConnectError."""
        address = self._resolve(mapping.internal_host, mapping.internal_port)
        if address is None:
            raise ConnectError(
                mapping.internal_host, mapping.internal_port, "unresolvable", "the name cannot be resolved on premise"
            )
        if self._drops(mapping.internal_host, mapping.internal_port):
            await self._wait_in_vain(*address)
        return await connect_tcp(*address, timeout_s=self._settings.connect_s)

    async def shake_hands(self, stream: TcpStream, mapping: SystemMapping, context: ssl.SSLContext) -> TlsStream:
        """Do TLS with a back end that was dialled, by a context of the trust store. Raises HandshakeError."""
        return await start_tls(
            stream, context, server_name=mapping.internal_host, timeout_s=self._settings.back_end_tls_s
        )

    async def _wait_in_vain(self, host: str, port: int) -> NoReturn:
        """Wait for an answer that a firewall keeps away. Raises ConnectError."""
        await asyncio.sleep(self._settings.connect_s)
        raise ConnectError(host, port, "timeout", f"no connection within {self._settings.connect_s:g} s")

    async def _start_tls(self, stream: TcpStream, mapping: SystemMapping, trace_id: str) -> Channel:
        addresses = {"local": stream.local_address, "peer": stream.peer_address}
        failure: HandshakeError | None = None
        tls: TlsStream | None = None
        # the store may change during the handshake: what it was at the beginning is reported
        store = self.trust_store
        vouches_as, checks_name, offered = store.vouches_as, store.checks_name, store.offers_certificate
        try:
            tls = await self.shake_hands(stream, mapping, store.context())
            facts = tls.facts
        except HandshakeError as error:
            facts, failure = error.facts, error
        self._record(
            observe_handshake(
                facts,
                Party.CLOUD_CONNECTOR,
                TlsSession.BACK_END,
                "client",
                self._describe,
                vouches_as,
                addresses,
                name_checked=mapping.internal_host if checks_name else "",
                client_certificate=self._system_certificate if offered else "",
                trace_id=trace_id,
            )
        )
        if tls is None:
            raise failure or AssertionError("a handshake ends in a session or in an error")
        return tls
