"""What a tap keeps: bytes as they passed on one hop, and how it ended, with the connection and the direction.

Addresses are those that the two ends know of each other: a tap never appears in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from maco_wire.observation import Address

Hop: TypeAlias = Literal["cloud network", "tunnel", "customer LAN"]
HOPS: tuple[Hop, ...] = ("cloud network", "tunnel", "customer LAN")


@dataclass(frozen=True, slots=True)
class TappedConnection:
    """One TCP connection on a hop; ``number`` is unique within a run, ``opened_at`` is seconds since 1970.

    ``client`` is the socket address of the end that dialled, ``server`` the address it meant to dial.
    """

    number: int
    hop: Hop
    client: Address
    server: Address
    opened_at: float


class TapChunk(NamedTuple):
    """Some bytes of a connection, ``from_client`` or to it, in the order in which they passed; ``at`` since 1970."""

    connection: TappedConnection
    from_client: bool
    at: float
    data: bytes


@dataclass(frozen=True, slots=True)
class TapEnd:
    """How one end of a connection ended, as the tap met it: its direction in order (FIN), or all of it by a reset."""

    connection: TappedConnection
    from_client: bool
    at: float
    how: Literal["end", "reset"]
