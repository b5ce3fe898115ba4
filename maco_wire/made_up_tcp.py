"""Made-up IP packets for bytes that really passed: headers, handshake and end as an unhurried TCP would have sent them.

For a capture from a relay, which sees the bytes of a connection but not its packets. Addresses, numbers and checksums
are consistent, so that Wireshark puts the stream together and warns of nothing; losses, repetitions and windows never
happen. Segments may be larger than any network's: a reader knows that from captures with segmentation offload.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from maco_wire.pcapng import IpAddress

LARGEST_SEGMENT = 65_000  # bytes; with both headers below the 65,535 of an IPv4 packet

_TCP = 6  # protocol number
_TTL = 64
_DO_NOT_FRAGMENT = 0x4000
_WINDOW = 0xFFFF
_HEADER_WORDS = 5
# RFC 9293, 3.2: maximum segment size; then RFC 7323, 2.2: NOP and a window scale of 14, the largest, so that what is
# under way never looks like more than the window allows.
_OPENING_OPTIONS = struct.pack("!BBH", 2, 4, LARGEST_SEGMENT) + bytes([1, 3, 3, 14])


class Flag(enum.IntFlag):
    """RFC 9293, section 3.1, "Control bits"."""

    FIN = 0x01
    SYN = 0x02
    RST = 0x04
    PSH = 0x08
    ACK = 0x10


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One end of a connection."""

    address: IpAddress
    port: int


class MadeUpTcp:
    """The packets of one connection, in order; both ends speak the same version of IP."""

    def __init__(
        self, client: Endpoint, server: Endpoint, *, client_starts_at: int = 0, server_starts_at: int = 0
    ) -> None:
        """``…_starts_at`` are the initial sequence numbers. Raises ValueError for two versions of IP."""
        if client.address.version != server.address.version:
            raise ValueError(f"{client.address} and {server.address} speak different versions of IP")
        self._ends = {True: client, False: server}
        self._next = {True: client_starts_at, False: server_starts_at}

    def opening(self) -> tuple[bytes, ...]:
        """Return the three packets of the handshake."""
        return (
            self._packet(True, Flag.SYN, options=_OPENING_OPTIONS),
            self._packet(False, Flag.SYN | Flag.ACK, options=_OPENING_OPTIONS),
            self._packet(True, Flag.ACK),
        )

    def data(self, payload: bytes, *, from_client: bool) -> Iterator[bytes]:
        """Yield the packets that carry ``payload``; the last one pushes."""
        for start in range(0, len(payload), LARGEST_SEGMENT):
            piece = payload[start : start + LARGEST_SEGMENT]
            is_last = start + len(piece) == len(payload)
            yield self._packet(from_client, Flag.ACK | Flag.PSH if is_last else Flag.ACK, piece)

    def end(self, *, from_client: bool) -> tuple[bytes, ...]:
        """Return the packets of an orderly end of one direction; the other one goes on until it ends too."""
        return self._packet(from_client, Flag.FIN | Flag.ACK), self._packet(not from_client, Flag.ACK)

    def reset(self, *, from_client: bool) -> bytes:
        """Return the packet of an end by reset."""
        return self._packet(from_client, Flag.RST | Flag.ACK)

    def _packet(self, from_client: bool, flags: Flag, payload: bytes = b"", options: bytes = b"") -> bytes:
        source, target = self._ends[from_client], self._ends[not from_client]
        acknowledged = self._next[not from_client] if Flag.ACK in flags else 0
        words = _HEADER_WORDS + len(options) // 4
        header = struct.pack(
            "!HHIIBBHHH",
            source.port,
            target.port,
            self._next[from_client],
            acknowledged,
            words << 4,
            flags,
            _WINDOW,
            0,
            0,
        )
        segment = header + options + payload
        # RFC 9293, 3.4: SYN and FIN take a place in the sequence as if they were an octet.
        taken = len(payload) + (Flag.SYN in flags) + (Flag.FIN in flags)
        self._next[from_client] = (self._next[from_client] + taken) % 2**32
        return _ip_packet(source.address, target.address, segment)


def internet_checksum(data: bytes) -> int:
    """Return the checksum of RFC 1071.

    The sum of 16-bit words with end-around carry is the remainder by 2^16 - 1, except that only nothing sums up to 0.
    """
    if len(data) % 2:
        data += b"\0"
    number = int.from_bytes(data, "big")
    total = number % 0xFFFF or (0xFFFF if number else 0)
    return total ^ 0xFFFF


def _ip_packet(source: IpAddress, target: IpAddress, segment: bytes) -> bytes:
    """Return a packet around a TCP segment whose checksum field is still 0."""
    # RFC 9293, 3.1: the pseudo-header; IPv6 (RFC 8200, 8.1) has wider fields with the same sum.
    pseudo_header = source.packed + target.packed + struct.pack("!II", len(segment), _TCP)
    checksum = internet_checksum(pseudo_header + segment)
    segment = segment[:16] + checksum.to_bytes(2, "big") + segment[18:]
    if source.version == 6:
        return struct.pack("!IHBB", 6 << 28, len(segment), _TCP, _TTL) + source.packed + target.packed + segment
    return _ipv4_header(source, target, len(segment)) + segment


def _ipv4_header(source: IpAddress, target: IpAddress, payload_bytes: int) -> bytes:
    """RFC 791, section 3.1."""
    length = 4 * _HEADER_WORDS + payload_bytes
    start = struct.pack("!BBHHHBB", 4 << 4 | _HEADER_WORDS, 0, length, 0, _DO_NOT_FRAGMENT, _TTL, _TCP)
    addresses = source.packed + target.packed
    checksum = internet_checksum(start + b"\0\0" + addresses)
    return start + checksum.to_bytes(2, "big") + addresses
