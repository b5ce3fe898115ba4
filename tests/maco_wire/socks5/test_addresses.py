"""Addresses have the layout of RFC 1928, section 5."""

from __future__ import annotations

import pytest

from maco_wire.exceptions import LocalProtocolError
from maco_wire.receive_buffer import ReceiveBuffer
from maco_wire.socks5.addresses import encode_address, four_octets, take_address


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("0.0.0.0", b"\x00\x00\x00\x00"),
        ("255.255.255.255", b"\xff\xff\xff\xff"),
        ("010.1.1.1", b"\x0a\x01\x01\x01"),  # decimal, as SAP's sample client reads it, not octal
        ("256.1.1.1", None),
        ("0001.1.1.1", None),
        ("1.1.1", None),
        ("1.1.1.1.", None),
        ("1.1.1.\u0661", None),
        ("-1.1.1.1", None),
        ("", None),
    ],
)
def test_four_decimal_octets_are_an_address_and_nothing_else_is(text: str, octets: bytes | None) -> None:
    assert four_octets(text) == octets


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_does_not_fit_two_bytes_is_refused(port: int) -> None:
    with pytest.raises(LocalProtocolError, match="port"):
        encode_address("mail", port)


@pytest.mark.parametrize(
    ("host", "port", "layout"),
    [("10.1.2.3", 143, b"\x01\x0a\x01\x02\x03\x00\x8f"), ("mail", 65535, b"\x03\x04mail\xff\xff")],
)
def test_what_is_written_is_read_once_it_is_complete(host: str, port: int, layout: bytes) -> None:
    assert encode_address(host, port) == layout
    buffer = ReceiveBuffer()
    buffer.append(b"\x05\x00\x00" + layout[:-1])
    assert take_address(buffer, 3) is None
    buffer.append(layout[-1:] + b"behind")
    assert take_address(buffer, 3) == (host.encode(), port)
    assert bytes(buffer) == b"behind"
