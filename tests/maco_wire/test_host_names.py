"""A host name on the wire is 1 to 255 bytes of visible ASCII, kept as sent."""

from __future__ import annotations

import pytest

from maco_wire.exceptions import LocalProtocolError
from maco_wire.host_names import check_port, encode_host, is_visible_ascii


@pytest.mark.parametrize("host", ["mail.stadtwerke.example", "MaIl", "a_b", "~", "h" * 255])
def test_a_name_of_visible_ascii_is_kept_as_it_is(host: str) -> None:
    assert encode_host(host) == host.encode()


@pytest.mark.parametrize("host", ["", "h" * 256, "a b", "a\tb", "a\x7f", "münchen", "\udcff"])
def test_any_other_name_is_refused(host: str) -> None:
    with pytest.raises(LocalProtocolError, match="host name"):
        encode_host(host)


@pytest.mark.parametrize("byte", [0x00, 0x1F, 0x20, 0x7F, 0x80, 0xFF])
def test_controls_spaces_and_high_bytes_are_not_visible(byte: int) -> None:
    assert not is_visible_ascii(bytes([0x41, byte]))


@pytest.mark.parametrize("port", [1, 65535])
def test_every_tcp_port_but_0_is_one(port: int) -> None:
    check_port(port)


@pytest.mark.parametrize("port", [-1, 0, 65536])
def test_numbers_beside_the_tcp_ports_are_refused(port: int) -> None:
    with pytest.raises(LocalProtocolError, match="port"):
        check_port(port)
