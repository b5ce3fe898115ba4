"""ATYP, address and port as both roles write and read them (RFC 1928, section 5)."""

from __future__ import annotations

from maco_wire.exceptions import LocalProtocolError
from maco_wire.host_names import encode_host
from maco_wire.receive_buffer import ReceiveBuffer
from maco_wire.socks5.values import AddressType

_PORT_SIZE = 2
_IPV4_SIZE = 4
_IPV4_PARTS = 4


def four_octets(host: str) -> bytes | None:
    """Return the four bytes of an IPv4 address in decimal notation, None for any other text (SAP's sample client)."""
    parts = host.split(".")
    if len(parts) != _IPV4_PARTS or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    if any(len(part) > len("255") or int(part) > 0xFF for part in parts):
        return None
    return bytes(int(part) for part in parts)


def encode_address(host: str, port: int) -> bytes:
    """Return ATYP, address and port: ATYP 01 if the host is four decimal octets, otherwise 03.

    Raises:
        LocalProtocolError: the host is no host name, or the port does not fit two bytes.
    """
    if not 0 <= port <= 0xFFFF:
        raise LocalProtocolError(f"a port is 0 to 65535, not {port}")
    octets = four_octets(host)
    if octets is not None:
        address = bytes([AddressType.IPV4]) + octets
    else:
        name = encode_host(host)
        address = bytes([AddressType.DOMAIN, len(name)]) + name
    return address + port.to_bytes(_PORT_SIZE, "big")


def take_address(buffer: ReceiveBuffer, start: int) -> tuple[bytes, int] | None:
    """Take ``start`` bytes, ATYP, address and port off the buffer; None if they have not all arrived.

    The address comes back as text in bytes, not yet validated. ATYP must have been found to be 01 or 03 before.
    """
    is_name = buffer.byte(start) == AddressType.DOMAIN
    length = buffer.byte(start + 1) if is_name else _IPV4_SIZE
    if length is None:
        return None
    begin = start + (2 if is_name else 1)
    message = buffer.take(begin + length + _PORT_SIZE)
    if message is None:
        return None
    raw, port = message[begin : begin + length], int.from_bytes(message[-_PORT_SIZE:], "big")
    return (raw, port) if is_name else (b".".join(b"%d" % octet for octet in raw), port)
