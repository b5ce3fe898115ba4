"""Expected bytes are the figures of draft-ietf-opsawg-pcapng, read field by field in little endian."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maco_wire import pcapng
from tests.maco_wire.capture_reader import walk

END_OF_OPTIONS = bytes.fromhex("0000 0000")
KEY_LINE = b"CLIENT_RANDOM 0123 4567\n"

some_bytes = st.binary(max_size=70)
some_text = st.text(max_size=40)
blocks = st.one_of(
    st.builds(pcapng.section_header, some_text),
    st.builds(pcapng.interface_description, some_text, some_text),
    st.builds(pcapng.name_resolution, st.lists(st.tuples(st.ip_addresses(), st.just("name.example")))),
    st.builds(pcapng.tls_secrets, some_bytes),
    st.builds(pcapng.enhanced_packet, st.integers(0, 9), st.integers(0, 2**64 - 1), some_bytes, some_text),
)


def test_a_section_header_has_the_byte_order_magic_version_1_0_and_no_length() -> None:
    # Figure 9 (section 4.1); shb_userappl has type 4.
    assert pcapng.section_header("lab") == bytes.fromhex(
        "0A0D0D0A 28000000 4D3C2B1A 0100 0000 FFFFFFFFFFFFFFFF 0400 0300 6C616200 0000 0000 28000000"
    )


def test_an_interface_has_a_name_a_description_and_counts_microseconds() -> None:
    # Figure 10 (section 4.2): LinkType, Reserved, SnapLen; if_name 2, if_description 3, if_tsresol 9 with the value 6.
    assert pcapng.interface_description("LAN", "hop 3") == bytes.fromhex(
        "01000000 34000000 6500 0000 FFFF0000"
        "0200 0300 4C414E00"
        "0300 0500 686F702033000000"
        "0900 0100 06000000"
        "0000 0000 34000000"
    )


def test_a_packet_has_its_interface_its_time_in_two_halves_and_its_length_twice() -> None:
    # Figure 11 (section 4.3).
    assert pcapng.enhanced_packet(2, 0x0006_0F27_89AB_CDEF, b"\x45\x00\x00\x14\xff") == bytes.fromhex(
        "06000000 28000000 02000000 270F0600 EFCDAB89 05000000 05000000 45000014FF000000 28000000"
    )


def test_a_comment_of_a_packet_is_option_1() -> None:
    block = pcapng.enhanced_packet(0, 0, b"\x45\x00\x00\x14", "made up")

    assert block.endswith(bytes.fromhex("0100 0700 6D61646520757000 0000 0000 34000000"))


def test_names_are_records_of_an_address_and_a_string_that_ends_with_a_zero() -> None:
    # Figure 13 and table 6 (section 4.5): nrb_record_ipv4 1, nrb_record_ipv6 2, nrb_record_end 0.
    names: list[tuple[pcapng.IpAddress, str]] = [
        (IPv4Address("192.0.2.1"), "maco"),
        (IPv6Address("2001:db8::1"), "scc"),
    ]

    assert pcapng.name_resolution(names) == bytes.fromhex(
        "04000000 38000000"
        "0100 0900 C0000201 6D61636F00 000000"
        "0200 1400 20010DB8000000000000000000000001 73636300"
        "0000 0000 38000000"
    )


def test_names_end_with_their_end_record_even_if_there_are_none() -> None:
    assert pcapng.name_resolution([]) == bytes.fromhex("04000000 10000000 0000 0000 10000000")


def test_secrets_are_the_lines_of_a_key_log_under_the_type_of_a_tls_key_log() -> None:
    # Section 4.7: Secrets Type 0x544c534b, Secrets Length, Secrets Data padded to 32 bits.
    head = bytes.fromhex("0A000000 2C000000 4B534C54 18000000")

    assert pcapng.tls_secrets(KEY_LINE) == head + KEY_LINE + bytes.fromhex("2C000000")


@given(st.lists(blocks, max_size=6))
def test_every_block_can_be_skipped_by_its_length(written: list[bytes]) -> None:
    assert len(list(walk(b"".join(written)))) == len(written)


@given(some_bytes)
def test_a_packet_of_any_length_comes_back(packet: bytes) -> None:
    ((_, body),) = walk(pcapng.enhanced_packet(0, 0, packet))

    (length,) = struct.unpack_from("<I", body, 12)
    assert body[20 : 20 + length] == packet


@given(st.integers(0, 2**64 - 1))
def test_a_time_of_64_bits_comes_back(at_us: int) -> None:
    ((_, body),) = walk(pcapng.enhanced_packet(0, at_us, b""))

    upper, lower = struct.unpack_from("<II", body, 4)
    assert upper << 32 | lower == at_us


@pytest.mark.parametrize("text", ["", "x", "four", "Größe"])
def test_options_end_only_where_there_are_some(text: str) -> None:
    ((_, body),) = walk(pcapng.enhanced_packet(0, 0, b"", text))

    assert (len(body) > 20) == bool(text)
    assert body[20:].endswith(END_OF_OPTIONS if text else b"")
