"""Read a pcapng file and its packets as the documents tell a reader to: lengths and checksums must be right."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from maco_wire.made_up_tcp import Endpoint, Flag

INTERFACE, NAMES, PACKET, SECRETS = 1, 4, 6, 10  # draft-ietf-opsawg-pcapng, section 10.1


@dataclass(frozen=True)
class Packet:
    """What a reader finds in a packet."""

    source: Endpoint
    target: Endpoint
    sequence: int
    acknowledged: int
    flags: Flag
    options: bytes
    payload: bytes


@dataclass(frozen=True)
class Captured:
    """A packet with what its block says of it; ``rest`` are the block's options."""

    interface: int
    at_us: int
    packet: Packet
    rest: bytes


def walk(file: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield type and body of each block (section 3.1)."""
    while file:
        block_type, length = struct.unpack_from("<II", file)
        assert length % 4 == 0
        assert struct.unpack_from("<I", file, length - 4) == (length,)
        yield block_type, file[8 : length - 4]
        file = file[length:]


def captured(file: bytes) -> list[Captured]:
    """Return the packets of a file (section 4.3)."""
    found = []
    for block_type, body in walk(file):
        if block_type == PACKET:
            interface, upper, lower, length, original = struct.unpack_from("<IIIII", body)
            assert length == original
            packet, rest = body[20 : 20 + length], body[20 + length + -length % 4 :]
            found.append(Captured(interface, upper << 32 | lower, read_packet(packet), rest))
    return found


def words_sum(data: bytes) -> int:
    """RFC 1071, section 4.1: add 16-bit words, then fold the carries."""
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def read_packet(packet: bytes) -> Packet:
    """Take a packet apart by the figures of RFC 791, RFC 8200 and RFC 9293."""
    source: IPv4Address | IPv6Address
    target: IPv4Address | IPv6Address
    if packet[0] >> 4 == 4:
        assert words_sum(packet[:20]) == 0xFFFF
        assert struct.unpack_from("!H", packet, 2) == (len(packet),)
        assert packet[9] == 6
        source, target = IPv4Address(packet[12:16]), IPv4Address(packet[16:20])
        segment = packet[20:]
    else:
        assert struct.unpack_from("!HB", packet, 4) == (len(packet) - 40, 6)
        source, target = IPv6Address(packet[8:24]), IPv6Address(packet[24:40])
        segment = packet[40:]
    pseudo_header = source.packed + target.packed + struct.pack("!IBBBB", len(segment), 0, 0, 0, 6)
    assert words_sum(pseudo_header + segment) == 0xFFFF
    source_port, target_port, sequence, acknowledged, offset, flags = struct.unpack_from("!HHIIBB", segment)
    header = (offset >> 4) * 4
    ends = Endpoint(source, source_port), Endpoint(target, target_port)
    return Packet(*ends, sequence, acknowledged, Flag(flags), segment[20:header], segment[header:])
