"""Where each planted secret was, place by place along the way: drawn from the bytes that the taps saw.

Pure: journal and chunks in, values out. Two passes. First without keys: a secret that a tap finds is *in clear* there.
Then the parties' key logs open what was TLS: a secret found behind it was *inside TLS* of the two ends of that session.
Nothing is concluded from a tap's silence unless that tap has proved that it was awake and that nothing is missing
(``Control``), and unless all TLS on it could be opened; otherwise the answer is *unknown*.

The journal says which connections and which stream belong to a poll. What a party held follows from what it reported,
and from the wires it stands between: who is an end of the clear wire, or of the session, holds what is in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from maco_lab.journal import Entry
from maco_lab.sight import HOPS, PATH, Way, way_of
from maco_lab.taps.chunk import TappedConnection
from maco_lab.taps.copies import Wiretap
from maco_lab.taps.counts import Count
from maco_lab.taps.key_log import KeyLogs
from maco_lab.taps.tapped_hop import Tapped, tapped_hop
from maco_wire.canary import Canary, CanaryScanner
from maco_wire.observation import Address, Hop, Party

State: TypeAlias = Literal["in clear", "inside TLS", "not there", "unknown"]
Place: TypeAlias = Party | Hop

PLACES: tuple[Place, ...] = (PATH[0], HOPS[0], PATH[1], HOPS[1], PATH[2], HOPS[2], PATH[3])
"""Systems and networks, from MaCo to the mail server."""


@dataclass(frozen=True, slots=True)
class Ends:
    """The two ends of a TLS session."""

    client: Party
    server: Party

    def __str__(self) -> str:
        return f"{self.client} with {self.server}"


@dataclass(frozen=True, slots=True)
class Cell:
    """One secret at one place. ``inside`` are the sessions around it, the outermost first; ``why`` explains unknown."""

    state: State
    inside: tuple[Ends, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Control:
    """Whether a tap's silence means anything; ``missing`` says what it lacks, empty if nothing.

    ``marker`` is what it had to see in clear, ``passed`` the payload bytes it saw (to the mail server, to MaCo), and
    ``counts`` what the systems at both its ends have counted.
    """

    hop: Hop
    marker: str
    passed: tuple[int, int] | None
    missing: str
    counts: tuple[Count, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One secret at all ``PLACES``."""

    secret: str
    cells: tuple[Cell, ...]

    def at(self, place: Place) -> Cell:
        """Return what is known of one place."""
        return self.cells[PLACES.index(place)]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The answer to the question where TLS ends."""

    rows: tuple[Row, ...]
    controls: tuple[Control, ...]

    def row(self, secret: str) -> Row:
        """Return the row of the secret whose name begins so. Raises LookupError."""
        for row in self.rows:
            if row.secret.startswith(secret):
                return row
        raise LookupError(f"found no secret {secret!r}, there are: {', '.join(row.secret for row in self.rows)}")


def matrix_of(
    entries: Sequence[Entry], connection: str, wiretap: Wiretap, canaries: Iterable[Canary], key_logs: KeyLogs
) -> Matrix | None:
    """Return the matrix of the newest finished poll of ``connection``; None if there is none."""
    way = way_of(entries, connection)
    if way is None:
        return None
    dialled: dict[Hop, Address | None] = {
        Hop.CLOUD_NETWORK: way.maco,
        Hop.TUNNEL: way.tunnel,
        Hop.CUSTOMER_LAN: way.lan,
    }
    tapped = {
        hop: tapped_hop(hop, _newest(wiretap, hop, address), wiretap, way, key_logs) for hop, address in dialled.items()
    }
    ends = _ends_of_sessions(tapped)
    rows = tuple(_row(canary, tapped, ends, way) for canary in canaries)
    controls = tuple(Control(hop, each.marker, each.passed, each.missing, each.counts) for hop, each in tapped.items())
    return Matrix(rows, controls)


def _newest(wiretap: Wiretap, hop: Hop, client: Address | None) -> TappedConnection | None:
    """Return the last connection from an address; systems use ports again, and the newest poll is asked for."""
    found = [each for each in wiretap.connections if each.hop == hop.value and each.client == client]
    return found[-1] if found else None


def _ends_of_sessions(tapped: Mapping[Hop, Tapped]) -> dict[bytes, Ends]:
    """Name the ends of each session: the server logged its keys, the client is the system before the first such wire.

    The tunnel is dialled the other way: its client is the Cloud Connector.
    """
    found: dict[bytes, Ends] = {}
    for hop in HOPS:
        for session, server in tapped[hop].sessions.items():
            client = Party.CLOUD_CONNECTOR if server is Party.CONNECTIVITY else PATH[HOPS.index(hop)]
            found.setdefault(session, Ends(client, server))
    return found


def _row(canary: Canary, tapped: Mapping[Hop, Tapped], ends: Mapping[bytes, Ends], way: Way) -> Row:
    wires = {hop: _on_wire(canary, each, ends) for hop, each in tapped.items()}
    reported = way.held.get(canary.number, ())
    cells = tuple(wires[place] if isinstance(place, Hop) else _at_party(place, wires, reported) for place in PLACES)
    return Row(canary.name, cells)


def _on_wire(canary: Canary, tapped: Tapped, ends: Mapping[bytes, Ends]) -> Cell:
    for layer in tapped.layers:
        if any(CanaryScanner([canary]).receive_data(data) for data in (layer.seen.from_client, layer.seen.to_client)):
            inside = tuple(ends[session] for session in layer.inside)
            return Cell("inside TLS" if inside else "in clear", inside)
    if tapped.missing or tapped.closed:
        return Cell("unknown", why=tapped.closed or tapped.missing)
    return Cell("not there")


def _at_party(party: Party, wires: Mapping[Hop, Cell], reported: tuple[Party, ...]) -> Cell:
    index = PATH.index(party)
    beside = [wires[hop] for hop in HOPS[max(0, index - 1) : index + 1]]
    if party in reported or any(_is_held_by_end(party, cell) for cell in beside):
        return Cell("in clear")
    for cell in beside:
        if cell.state == "inside TLS":
            return Cell("inside TLS", cell.inside[-1:])
    for cell in beside:
        if cell.state == "unknown":
            return cell
    return Cell("not there")


def _is_held_by_end(party: Party, cell: Cell) -> bool:
    if cell.state == "in clear":
        return True
    return bool(cell.inside) and party in {cell.inside[-1].client, cell.inside[-1].server}
