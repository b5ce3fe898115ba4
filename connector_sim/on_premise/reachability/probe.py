"""One check of one port: dialled as traffic is, with the same names, trust store and system certificate.

Nothing is sent but what a handshake sends. A TLS 1.3 server refuses a client certificate only after the handshake, so
where one was asked for the check listens on for a moment.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import time
from collections.abc import Callable

from connector_sim.observing import DescribeCertificate
from connector_sim.on_premise.back_end import BackEndOpener
from connector_sim.on_premise.reachability import wording
from connector_sim.on_premise.reachability.client_certificate import CertificateRequests
from connector_sim.on_premise.reachability.path import path_of, role_of
from connector_sim.on_premise.reachability.result import PortCheck, SentCertificate, TlsCheck
from connector_sim.on_premise.system_mapping import MappingProtocol, SystemMapping
from connector_sim.on_premise.trust_store import BackEndTrustStore
from maco_net.errors import ConnectError, HandshakeError, HandshakeFacts, NetError, PeerAlert
from maco_net.tcp import TcpStream
from maco_net.tls import TlsStream

LISTEN_ON_S = 0.3
"""How long a TLS 1.3 server that asked for a certificate may take to refuse it; a mail server greets sooner."""


class Probe:
    """Checks single ports for one connector."""

    def __init__(
        self, back_ends: BackEndOpener, describe_certificate: DescribeCertificate, clock: Callable[[], float]
    ) -> None:
        self._back_ends = back_ends
        self._describe = describe_certificate
        self._clock = clock

    async def check(self, mapping: SystemMapping) -> PortCheck:
        """Try a mapping of one port. The time is bounded by the connector's own settings for traffic."""
        began = time.monotonic()
        system = f"{mapping.internal_host}:{mapping.internal_port}"
        tls: TlsCheck | None = None
        try:
            stream = await self._back_ends.dial(mapping)
        except ConnectError as error:
            told = wording.not_connected(system, error)
        else:
            if mapping.protocol is MappingProtocol.TCP:
                await stream.aclose()
                told = wording.connected(system, _milliseconds(began))
            else:
                told, tls = await self._secure(stream, mapping, system)
        return PortCheck(mapping.internal_port, *told, _milliseconds(began), tls)

    async def _secure(self, stream: TcpStream, mapping: SystemMapping, system: str) -> tuple[wording.Told, TlsCheck]:
        store = self._back_ends.trust_store
        context = store.new_context()
        requests = CertificateRequests(context)
        try:
            session = await self._back_ends.shake_hands(stream, mapping, context)
        except HandshakeError as error:
            tls = self._tls(store, error.facts, requests, mapping)
            now = dt.datetime.fromtimestamp(self._clock(), dt.UTC)
            return wording.not_secured(system, error, tls, now), tls
        try:
            tls = self._tls(store, session.facts, requests, mapping)
            if tls.client_certificate_asked is not False and (how := await _refused_after(session)):
                refused = dataclasses.replace(tls, error=how[0], alert_received=how[1])
                return wording.refused_afterwards(system, refused, how[0]), refused
            return wording.secured(system, tls), tls
        finally:
            await session.aclose()

    def _tls(
        self, store: BackEndTrustStore, facts: HandshakeFacts, requests: CertificateRequests, mapping: SystemMapping
    ) -> TlsCheck:
        path = path_of(facts.peer_chain, store.certificates)
        listed = set(store.certificates)
        return TlsCheck(
            server_name=facts.server_name or mapping.internal_host,
            name_checked=store.checks_name,
            trusts_all=store.trusts_all,
            version=facts.version,
            cipher=facts.cipher,
            chain=tuple(
                SentCertificate(role_of(each, is_first=at == 0), self._describe(each), in_store=each in listed)
                for at, each in enumerate(facts.peer_chain)
            ),
            anchor=self._describe(path.anchor.der).subject if path.anchor and not store.trusts_all else "",
            missing=() if store.trusts_all else path.missing(self._describe),
            client_certificate_asked=requests.asked,
            client_certificate_offered=store.offers_certificate,
            error=facts.error,
            verify_code=facts.verify_code,
            alert_sent=facts.alert_sent,
            alert_received=facts.alert_received,
        )


async def _refused_after(session: TlsStream) -> tuple[str, str] | None:
    """Return how a TLS 1.3 server ended a session that had just begun, and its alert; None if it did not."""
    if session.facts.version != "TLSv1.3":
        return None
    try:
        async with asyncio.timeout(LISTEN_ON_S):
            if await session.receive():
                return None
    except TimeoutError:
        return None
    except PeerAlert as error:
        return f"alert {error.alert}", error.alert
    except NetError as error:
        return str(error), ""
    return "it ended the connection", ""


def _milliseconds(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
