"""From what a connector observes to the lines of its trace, with the loggers that an administrator looks for. Pure.

The loggers are those of the product, as far as public lines name them (facts, 7.3); the words are ours. What belongs
to a single connection is DEBUG: at INFO, the level of the start, a trace shows tunnels, checks, refusals and failures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from connector_sim.logs.settings import TraceLevel
from maco_wire.observation import (
    Address,
    ConnectionChecked,
    Handshake,
    HaState,
    Observation,
    Problem,
    StreamClosed,
    StreamOpened,
    StreamRefused,
    TlsSession,
    TunnelConnections,
    TunnelState,
)

PROTOCOL = "com.sap.core.connectivity.spi.processing.AbstractProtocolProcessor"
OUTBOUND = "com.sap.core.connectivity.spi.processing.OutboundConnectionErrorHandler"
CONNECTOR = "com.sap.scc"
SECURITY = "com.sap.scc.security"
CONFIGURATION = "com.sap.scc.config"
TLS = "io.netty.handler.ssl.SslHandler"
TLS_DETAILS = "javax.net.ssl"
_OTHERS = frozenset({TLS, TLS_DETAILS})

TUNNEL_THREAD, ADMINISTRATION_THREAD = "tunnel-client", "https-administration"
"""There is one thread; the field says whose work it does."""


@dataclass(frozen=True, slots=True)
class Traced:
    """What is told of one observation."""

    level: TraceLevel
    logger: str
    message: str

    @property
    def is_own(self) -> bool:
        """Whether ``sccLogLevel`` decides about it, and not ``otherLogLevel``."""
        return self.logger not in _OTHERS


def traced(seen: Observation) -> Iterator[Traced]:
    """Yield what is told of an observation, whatever the level; nothing of most kinds."""
    match seen:
        case StreamOpened():
            back_end = _ends(seen.back_end, f"{seen.internal_host}/") if seen.back_end else "[]"
            text = f"Backend connection of {seen.virtual_host}:{seen.virtual_port} was opened {back_end}"
            yield Traced(TraceLevel.DEBUG, PROTOCOL, text)
        case StreamClosed():
            counts = f"{seen.bytes_to_mail_server} bytes received, {seen.bytes_to_maco} bytes sent"
            yield Traced(TraceLevel.DEBUG, PROTOCOL, f"Backend channel was closed ({seen.ended_by}): {counts}")
        case StreamRefused():
            target = f"{seen.virtual_host}:{seen.virtual_port} of {seen.subaccount}"
            yield Traced(TraceLevel.WARN, OUTBOUND, f"{target} was refused: {seen.reason}")
        case TunnelState():
            yield _tunnel(seen)
        case TunnelConnections():
            text = f"Tunnel of {seen.subaccount}: {seen.up} of {seen.configured} connections are up {seen.reason}"
            yield Traced(TraceLevel.INFO, CONNECTOR, text.rstrip())
        case Handshake():
            yield _handshake(seen)
        case ConnectionChecked():
            level = TraceLevel.INFO if seen.reachable else TraceLevel.WARN
            yield Traced(level, CONNECTOR, f"Connection check ({seen.reason}): {seen.text}")
        case HaState():
            yield Traced(TraceLevel.INFO, CONNECTOR, f"This {seen.role} is {seen.state} {seen.reason}".rstrip())
        case Problem():
            yield Traced(TraceLevel.WARN, CONNECTOR, seen.text)


def tls_details(seen: Handshake) -> Iterator[Traced]:
    """Yield what the TLS trace tells of a handshake beside."""
    session = _session(seen)
    for at, each in enumerate(seen.peer_chain):
        text = f"{session}: peer certificate {at}: subject {each.subject}, issuer {each.issuer}"
        yield Traced(TraceLevel.INFO, TLS_DETAILS, f"{text}, valid {each.not_before} to {each.not_after}")
    judged = f"verified against {seen.verified_against}" if seen.verified_against else "not verified"
    names = f"server name {seen.server_name or 'none'}, {judged}, name checked: {seen.name_checked or 'no'}"
    offered = seen.client_certificate or "none"
    yield Traced(TraceLevel.INFO, TLS_DETAILS, f"{session}: {names}, client certificate: {offered}")
    if seen.alert_sent or seen.alert_received:
        alerts = f"alert sent: {seen.alert_sent or 'none'}, alert received: {seen.alert_received or 'none'}"
        yield Traced(TraceLevel.INFO, TLS_DETAILS, f"{session}: {alerts}")


def _handshake(seen: Handshake) -> Traced:
    if not seen.succeeded:
        return Traced(TraceLevel.ERROR, TLS, f"{_session(seen)}: the handshake failed: {seen.error}")
    text = f"{_session(seen)} HANDSHAKEN: protocol:{seen.version} cipher suite:{seen.cipher}"
    return Traced(TraceLevel.DEBUG, TLS, text)


def _session(seen: Handshake) -> str:
    what = "tunnel" if seen.session is TlsSession.TUNNEL else "backend"
    return f"{what} {_ends((seen.local, seen.peer))}" if seen.local and seen.peer else what


def _tunnel(seen: TunnelState) -> Traced:
    where = f"Tunnel of {seen.subaccount}" + (f" with location ID {seen.location_id}" if seen.location_id else "")
    level = TraceLevel.ERROR if seen.state == "ConnectFailure" else TraceLevel.INFO
    return Traced(level, CONNECTOR, f"{where}: {seen.state} {seen.reason}".rstrip())


def _ends(ends: tuple[Address, Address], host: str = "") -> str:
    """Return both ends of a socket as the product shows them: L is ours, R the other one."""
    (own_host, own_port), (peer_host, peer_port) = ends
    return f"[L:/{own_host}:{own_port} - R:{host or '/'}{peer_host}:{peer_port}]"
