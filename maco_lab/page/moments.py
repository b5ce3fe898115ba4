"""One poll at one hop beside the next hop: the same moments on two wires. Pure.

What goes to the mail server passes this hop first and the next one after it; what goes to MaCo, the other way round.
So a piece at the next hop stands beside the piece of the same direction that came before it, or behind it.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from maco_lab.journal import Entry
from maco_lab.page.masking import Mask
from maco_lab.page.wire_pieces import Piece, Wire, pieces_of
from maco_lab.sight import HOPS, PATH, Way, sight_of, way_of
from maco_lab.taps.chunk import TappedConnection
from maco_lab.taps.conversation import conversation
from maco_lab.taps.copies import Wiretap
from maco_lab.taps.key_log import KeyLogs, sessions_of
from maco_wire.observation import Hop, Party

SLACK_S = 0.002
"""How long behind a poll's own connections what passes in its tunnel may still belong to it."""

MAX_BESIDE = 8
"""How many pieces stand beside one; further ones get moments of their own, so that an answer stays bounded."""

NO_TAP_SAW = "No tap saw a connection of this poll on this network"
NO_STREAM = "Nobody reported that a stream of this poll was opened in a tunnel"
LOST = "The tap keeps the newest 32 MiB only, and has lost the oldest bytes of this connection"
SHARED = "The tunnel carries other connections too: shown is what passed in it while this poll ran"


@dataclass(frozen=True, slots=True)
class Moment:
    """Pieces that belong together: at this hop, and beside it at the next one."""

    at: float
    here: list[Piece] = field(default_factory=list)
    beside: list[Piece] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Seen:
    """What an eavesdropper saw of one poll; ``notes`` say of each hop what it lacks."""

    moments: list[Moment]
    notes: Mapping[Hop, str]


def moments_of(
    entries: Sequence[Entry], connection: str, hop: Hop, wiretap: Wiretap, key_logs: KeyLogs, mask: Mask
) -> Seen | None:
    """Return what was seen of the newest poll of ``connection`` at a hop; None if there is no poll."""
    way = way_of(entries, connection)
    if way is None:
        return None
    wires = {each: _wire(wiretap, way, each) for each in HOPS}
    sight = sight_of(entries, connection)
    names = _names(wires, key_logs, sight.called if sight else str)
    began, ended = _while_it_ran(wires)
    pieces = {
        each: [piece for piece in pieces_of(wire, names, mask) if began <= piece.at <= ended]
        for each, wire in wires.items()
        if wire and each in shown_with(hop)
    }
    notes = {each: _note(each, wires[each]) for each in shown_with(hop)}
    here, *beside = shown_with(hop)
    return Seen(_paired(pieces.get(here, []), pieces.get(beside[0], []) if beside else []), notes)


def shown_with(hop: Hop) -> tuple[Hop, ...]:
    """Return a hop, and the next one on the way to the mail server if there is one."""
    at = HOPS.index(hop)
    return HOPS[at : at + 2]


def _wire(wiretap: Wiretap, way: Way, hop: Hop) -> Wire | None:
    dialled = {Hop.CLOUD_NETWORK: way.maco, Hop.TUNNEL: way.tunnel, Hop.CUSTOMER_LAN: way.lan}[hop]
    found = [each for each in wiretap.connections if each.hop == hop.value and each.client == dialled]
    if not found:
        return None
    newest: TappedConnection = found[-1]
    chunks = tuple(chunk for chunk in wiretap.chunks if chunk.connection.number == newest.number)
    is_maco_side = hop is not Hop.TUNNEL
    return Wire(chunks, conversation(chunks, newest), is_maco_side, newest.number in wiretap.incomplete)


def _names(wires: Mapping[Hop, Wire | None], key_logs: KeyLogs, called: Callable[[Party], str]) -> dict[bytes, str]:
    """Name each session: its server logged the keys, its client stands before the first wire that it is seen on.

    The tunnel is dialled the other way: its client is the Cloud Connector.
    """
    servers = {random: called(keys.server) for random, keys in sessions_of(key_logs).items()}
    names: dict[bytes, str] = {}
    for hop, wire in wires.items():
        begin = wire.begin if wire else None
        if begin is not None:
            client = Party.CLOUD_CONNECTOR if hop is Hop.TUNNEL else PATH[HOPS.index(hop)]
            server = servers.get(begin.client_random, "a server whose keys nobody has logged")
            names.setdefault(begin.client_random, f"{client} with {server}")
    return names


def _while_it_ran(wires: Mapping[Hop, Wire | None]) -> tuple[float, float]:
    """Return when the first and the last byte of the poll's own connections passed; the tunnel lives longer."""
    own = [chunk.at for hop in (Hop.CLOUD_NETWORK, Hop.CUSTOMER_LAN) if (wire := wires[hop]) for chunk in wire.chunks]
    return min(own, default=0.0), max(own, default=0.0) + SLACK_S


def _note(hop: Hop, wire: Wire | None) -> str:
    if wire is None:
        return NO_STREAM if hop is Hop.TUNNEL else NO_TAP_SAW
    return LOST if wire.incomplete else SHARED if hop is Hop.TUNNEL else ""


def _paired(here: Sequence[Piece], beside: Iterable[Piece]) -> list[Moment]:
    moments = [Moment(piece.at, [piece]) for piece in here]
    ways = {way: [each for each in moments if each.here[0].to_mail_server is way] for way in (True, False)}
    alone: list[Moment] = []
    for piece in beside:
        same = ways[piece.to_mail_server]
        times = [moment.at for moment in same]
        at = bisect.bisect_right(times, piece.at) - 1 if piece.to_mail_server else bisect.bisect_left(times, piece.at)
        if 0 <= at < len(same) and len(same[at].beside) < MAX_BESIDE:
            same[at].beside.append(piece)
        else:
            alone.append(Moment(piece.at, [], [piece]))
    return sorted([*moments, *alone], key=lambda moment: moment.at)
