"""Blocks of a pcapng file: what Wireshark opens (draft-ietf-opsawg-pcapng).

One section, little endian, timestamps in microseconds, packets that begin with the IP header. Nothing is read here, and
what stands in a packet is of no concern: see ``maco_wire.made_up_tcp``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from typing import TypeAlias

IpAddress: TypeAlias = IPv4Address | IPv6Address

LINKTYPE_RAW = 101  # "Raw IP; the packet begins with an IPv4 or IPv6 header" (tcpdump.org/linktypes)
LARGEST_PACKET = 0xFFFF  # bytes; the length field of an IPv4 header has 16 bits

_BYTE_ORDER_MAGIC = 0x1A2B3C4D
_VERSION = (1, 0)
_LENGTH_NOT_SPECIFIED = -1
_TLS_KEY_LOG = 0x544C534B  # "TLSK", section 4.7
_MICROSECONDS = 6  # if_tsresol, section 4.2: a negative power of 10

# Section 10.1, "Standardized Block Type Codes"
_SECTION_HEADER = 0x0A0D0D0A
_INTERFACE_DESCRIPTION = 1
_NAME_RESOLUTION = 4
_ENHANCED_PACKET = 6
_DECRYPTION_SECRETS = 10

# Options: 0 and 1 are those of every block (section 3.5)
_END_OF_OPTIONS = 0
_COMMENT = 1
_SHB_USERAPPL = 4
_IF_NAME = 2
_IF_DESCRIPTION = 3
_IF_TSRESOL = 9

# Section 4.5, "Name Resolution Block Records", by the version of IP
_NRB_RECORD_END = 0
_NRB_RECORD = {4: 1, 6: 2}


def section_header(application: str) -> bytes:
    """Return the block that every file begins with (section 4.1); ``application`` wrote the file."""
    body = struct.pack("<IHHq", _BYTE_ORDER_MAGIC, *_VERSION, _LENGTH_NOT_SPECIFIED)
    return _block(_SECTION_HEADER, body, [(_SHB_USERAPPL, application.encode())])


def interface_description(name: str, description: str) -> bytes:
    """Return the block of one interface (section 4.2); interfaces are numbered from 0 in the order of their blocks."""
    body = struct.pack("<HHI", LINKTYPE_RAW, 0, LARGEST_PACKET)
    options = [
        (_IF_NAME, name.encode()),
        (_IF_DESCRIPTION, description.encode()),
        (_IF_TSRESOL, bytes([_MICROSECONDS])),
    ]
    return _block(_INTERFACE_DESCRIPTION, body, options)


def name_resolution(names: Iterable[tuple[IpAddress, str]]) -> bytes:
    """Return the block that names addresses (section 4.5)."""
    records = b"".join(
        _record(_NRB_RECORD[address.version], address.packed + name.encode() + b"\0") for address, name in names
    )
    return _block(_NAME_RESOLUTION, records + _record(_NRB_RECORD_END, b""))


def tls_secrets(key_log: bytes) -> bytes:
    """Return the block with the lines of an NSS key log (section 4.7); it must come before the packets it opens."""
    return _block(_DECRYPTION_SECRETS, struct.pack("<II", _TLS_KEY_LOG, len(key_log)) + _padded(key_log))


def enhanced_packet(interface: int, at_us: int, packet: bytes, comment: str = "") -> bytes:
    """Return the block of one packet (section 4.3), seen ``at_us`` microseconds since 1970."""
    head = struct.pack("<IIIII", interface, at_us >> 32, at_us & 0xFFFF_FFFF, len(packet), len(packet))
    return _block(_ENHANCED_PACKET, head + _padded(packet), [(_COMMENT, comment.encode())] if comment else [])


def _block(block_type: int, body: bytes, options: Iterable[tuple[int, bytes]] = ()) -> bytes:
    """Section 3.1: type and length before the body, the length again behind it."""
    written = b"".join(_record(code, value) for code, value in options)
    content = body + (written + _record(_END_OF_OPTIONS, b"") if written else b"")
    length = len(content) + 12
    return struct.pack("<II", block_type, length) + content + struct.pack("<I", length)


def _record(code: int, value: bytes) -> bytes:
    """Return an option (section 3.5) or a name record: type, length without the padding, value."""
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
