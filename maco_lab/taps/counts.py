"""Whether a tap saw as many bytes as the systems at both ends of its hop have counted. Pure.

Two kinds of counts. The parties that pass payload on count it: the Connectivity service and the Cloud Connector. MaCo
and the mail server, which pass nothing on, count all bytes of their socket. Rule: who sent must have sent exactly what
the tap saw. Who received may have less only if it closed first: the rest was still on its way, and the tap has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from maco_lab.sight import Way
from maco_wire.observation import Hop, Party, SocketClosed

_PAYLOAD_COUNTED_BY = {
    Hop.CLOUD_NETWORK: (Party.CONNECTIVITY,),
    Hop.TUNNEL: (Party.CONNECTIVITY, Party.CLOUD_CONNECTOR),
    Hop.CUSTOMER_LAN: (Party.CLOUD_CONNECTOR,),
}
_SOCKET_COUNTED_BY = {Hop.CLOUD_NETWORK: Party.MACO, Hop.CUSTOMER_LAN: Party.MAIL_SERVER}


@dataclass(frozen=True, slots=True)
class Count:
    """What one end of a hop has counted, to the mail server and to MaCo, and what the tap saw of the same.

    ``differs`` says why the two are no proof, empty if they are; ``note`` what a person should know nevertheless.
    """

    party: Party
    of: Literal["payload", "socket"]
    counted: tuple[int, int] | None
    tapped: tuple[int, int] | None
    differs: str = ""
    note: str = ""


def counts_of(hop: Hop, way: Way, *, payload: tuple[int, int] | None, wire: tuple[int, int]) -> tuple[Count, ...]:
    """Compare both ends' counts; ``payload`` and ``wire`` are the tap's, ``payload`` None if it could not be read."""
    return tuple(_counts_of(hop, way, payload, wire))


def _counts_of(hop: Hop, way: Way, payload: tuple[int, int] | None, wire: tuple[int, int]) -> Iterator[Count]:
    for party in _PAYLOAD_COUNTED_BY[hop]:
        yield _payload(party, way.passed_on.get(party), payload)
    if end := _SOCKET_COUNTED_BY.get(hop):
        yield _socket(end, way.closed.get(end), wire)


def _payload(party: Party, counted: tuple[int, int] | None, tapped: tuple[int, int] | None) -> Count:
    if tapped is None:
        differs = "the tap's bytes could not be counted: its TLS was not opened"
    elif counted is None:
        differs = f"{party} did not tell how many bytes it passed on"
    elif counted != tapped:
        differs = f"the tap saw {_told(tapped)} bytes of payload, {party} passed on {_told(counted)}"
    else:
        differs = ""
    return Count(party, "payload", counted, tapped, differs)


def _socket(party: Party, closed: SocketClosed | None, tapped: tuple[int, int]) -> Count:
    if closed is None:
        return Count(party, "socket", None, tapped, f"{party} did not tell how many bytes its socket carried")
    if closed.bytes_sent is None or closed.bytes_received is None:
        return Count(party, "socket", None, tapped, note=f"the system of {party} does not count bytes of sockets")
    sent, received = closed.bytes_sent, closed.bytes_received
    counted = (sent, received) if party is Party.MACO else (received, sent)
    tap_sent, tap_received = tapped if party is Party.MACO else tapped[::-1]
    late = tap_received - received
    if sent != tap_sent or late < 0 or (late and closed.peer_ended):
        differs = f"the tap saw {_told(tapped)} bytes, the socket of {party} carried {_told(counted)}"
        return Count(party, "socket", counted, tapped, differs)
    return Count(
        party, "socket", counted, tapped, note=f"the last {late} bytes came after {party} had closed" if late else ""
    )


def _told(pair: tuple[int, int]) -> str:
    return f"{pair[0]} and {pair[1]}"
