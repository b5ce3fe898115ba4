"""What one tap knows of one poll: its bytes, layer by layer, and whether it was awake. Pure.

The first layer is the wire as it is. Each further one is the inside of a TLS session that a party's keys have opened;
in a tunnel it is the one stream that carried the poll.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from maco_lab.sight import Way
from maco_lab.taps.chunk import TappedConnection
from maco_lab.taps.conversation import Conversation, behind_socks, conversation, stream_of
from maco_lab.taps.copies import Wiretap
from maco_lab.taps.counts import Count, counts_of
from maco_lab.taps.key_log import KeyLogs, SessionKeys, sessions_of
from maco_lab.taps.tls_stream import find_tls, looks_like_tls, open_tls
from maco_wire.observation import Hop, Party, TlsSession

MAX_LAYERS = 4
IMAP_GREETING = "* OK"  # RFC 3501, section 7.1.1
POP3_GREETING = "+OK"  # RFC 1939, section 4


@dataclass(frozen=True, slots=True)
class Layer:
    """Bytes to look for secrets in, and the sessions around them by their ClientHello's random, outermost first."""

    seen: Conversation
    inside: tuple[bytes, ...] = ()


@dataclass(slots=True)
class Tapped:
    """One hop of one poll. ``closed`` says why TLS on it was not opened, ``missing`` why its silence proves nothing."""

    layers: list[Layer] = field(default_factory=list)
    sessions: dict[bytes, Party] = field(default_factory=dict)
    """Each session that was opened, and the server whose keys did it."""
    marker: str = ""
    passed: tuple[int, int] | None = None
    counts: tuple[Count, ...] = ()
    closed: str = ""
    missing: str = ""


def tapped_hop(hop: Hop, connection: TappedConnection | None, wiretap: Wiretap, way: Way, key_logs: KeyLogs) -> Tapped:
    """Return what the tap of ``hop`` knows of a poll."""
    found = Tapped()
    if connection is None:
        found.missing = "no tap saw a connection of this poll here"
        return found
    wire = conversation(wiretap.chunks, connection)
    found.layers.append(Layer(wire))
    _peel(found, hop, wire, (), sessions_of(key_logs), way)
    found.marker = _marker(hop, way, wire)
    if connection.number in wiretap.incomplete:
        found.missing = "the tap has lost bytes of this connection"
    elif not found.marker or found.marker.encode() not in wire.from_client + wire.to_client:
        found.missing = f"the tap did not see its marker ({found.marker or 'none is known'})"
    else:
        found.passed = _payload(hop, found, way)
        found.counts = counts_of(hop, way, payload=found.passed, wire=wire.sizes)
        found.missing = next((each.differs for each in found.counts if each.differs), "")
    return found


def _peel(
    found: Tapped, hop: Hop, seen: Conversation, inside: tuple[bytes, ...], keys: dict[bytes, SessionKeys], way: Way
) -> None:
    """Open the TLS in ``seen``, and what is in that, until there is none or it stays closed."""
    begin = find_tls(seen)
    if begin is None or len(inside) >= MAX_LAYERS:
        found.closed = "something like TLS that cannot be followed" if looks_like_tls(seen) else ""
        return
    session = keys.get(begin.client_random)
    is_tunnel = hop is Hop.TUNNEL and not inside
    opened = open_tls(seen, begin, session.secrets, is_running=is_tunnel) if session else None
    if session is None or opened is None:
        found.closed = "TLS that no party's keys have opened"
        return
    inside = (*inside, begin.client_random)
    found.sessions[begin.client_random] = session.server
    if is_tunnel:
        stream = stream_of(opened, way.trace_id or "")
        if stream is None:
            found.closed = "the stream of this poll was not found in the tunnel"
            return
        found.layers.append(Layer(stream.whole, inside))
        opened = stream.payload
    found.layers.append(Layer(opened, inside))
    _peel(found, hop, opened, inside, keys, way)


def _marker(hop: Hop, way: Way, wire: Conversation) -> str:
    """Return what cannot but pass in clear: the virtual host asked for, the name in a ClientHello, a greeting."""
    match hop:
        case Hop.CLOUD_NETWORK:
            return way.virtual_host
        case Hop.TUNNEL:
            return way.server_names.get(TlsSession.TUNNEL, "")
        case Hop.CUSTOMER_LAN:
            greeting = POP3_GREETING if wire.to_client.startswith(POP3_GREETING.encode()) else IMAP_GREETING
            return way.server_names.get(TlsSession.BACK_END) or greeting


def _payload(hop: Hop, found: Tapped, way: Way) -> tuple[int, int] | None:
    """Return how many bytes of payload the tap saw, by the measure of the parties that pass them on."""
    wire = found.layers[0].seen
    match hop:
        case Hop.CLOUD_NETWORK:
            payload = behind_socks(wire)
        case Hop.TUNNEL:
            payload = found.layers[2].seen if len(found.layers) > 2 else None
        case Hop.CUSTOMER_LAN if way.protocol == "TCP":
            payload = wire
        case Hop.CUSTOMER_LAN:
            payload = found.layers[1].seen if len(found.layers) > 1 else None
    return payload.sizes if payload else None
