"""A reader that knows only the RFCs takes the packets apart; checksums are compared with the loop of RFC 1071."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maco_wire.made_up_tcp import LARGEST_SEGMENT, Endpoint, Flag, MadeUpTcp, internet_checksum
from tests.maco_wire.capture_reader import read_packet, words_sum

CLIENT = Endpoint(IPv4Address("192.0.2.1"), 51234)
SERVER = Endpoint(IPv4Address("192.0.2.2"), 143)
CLIENT_6 = Endpoint(IPv6Address("2001:db8::1"), 51234)
SERVER_6 = Endpoint(IPv6Address("2001:db8::2"), 143)
PAIRS = ((CLIENT, SERVER), (CLIENT_6, SERVER_6))
both_versions = pytest.mark.parametrize(("client", "server"), PAIRS, ids=["IPv4", "IPv6"])


def opened(client: Endpoint = CLIENT, server: Endpoint = SERVER) -> MadeUpTcp:
    tcp = MadeUpTcp(client, server, client_starts_at=1000, server_starts_at=9000)
    tcp.opening()
    return tcp


def test_the_checksum_of_the_example_in_rfc_1071() -> None:
    # Section 3: the words 0001 f203 f4f5 f6f7 sum up to ddf2; the checksum is the complement.
    assert internet_checksum(bytes.fromhex("0001 f203 f4f5 f6f7")) == 0xDDF2 ^ 0xFFFF


@given(st.binary(max_size=99))
def test_a_checksum_is_that_of_the_loop_in_rfc_1071(data: bytes) -> None:
    assert internet_checksum(data) == words_sum(data) ^ 0xFFFF


@pytest.mark.parametrize("data", [b"", b"\0\0", b"\xff\xff", b"\xff\xfe\x00\x01"])
def test_the_two_zeros_of_ones_complement_are_told_apart(data: bytes) -> None:
    assert internet_checksum(data) == words_sum(data) ^ 0xFFFF


@both_versions
def test_a_connection_opens_with_a_handshake_in_three_packets(client: Endpoint, server: Endpoint) -> None:
    tcp = MadeUpTcp(client, server, client_starts_at=1000, server_starts_at=9000)

    syn, syn_ack, ack = map(read_packet, tcp.opening())
    assert (syn.source, syn.target, syn.flags, syn.sequence, syn.acknowledged) == (client, server, Flag.SYN, 1000, 0)
    assert (syn_ack.source, syn_ack.flags, syn_ack.sequence) == (server, Flag.SYN | Flag.ACK, 9000)
    assert syn_ack.acknowledged == 1001
    assert (ack.source, ack.flags, ack.sequence, ack.acknowledged) == (client, Flag.ACK, 1001, 9001)


def test_both_ends_announce_their_segment_size_and_the_largest_window_scale() -> None:
    # RFC 9293, 3.2: kind 2, length 4, 65,000. RFC 7323, 2.2: kind 3, length 3, shift 14 (its largest), behind a NOP.
    syn, syn_ack, ack = map(read_packet, MadeUpTcp(CLIENT, SERVER).opening())

    assert syn.options == syn_ack.options == bytes.fromhex("0204 FDE8 01 03030E")
    assert ack.options == b""


@both_versions
def test_data_acknowledges_what_the_other_end_has_sent(client: Endpoint, server: Endpoint) -> None:
    tcp = opened(client, server)

    (greeting,) = map(read_packet, tcp.data(b"* OK\r\n", from_client=False))
    (command,) = map(read_packet, tcp.data(b"a NOOP\r\n", from_client=True))
    assert (greeting.source, greeting.sequence, greeting.acknowledged) == (server, 9001, 1001)
    assert (command.source, command.sequence, command.acknowledged) == (client, 1001, 9007)
    assert (greeting.payload, command.payload) == (b"* OK\r\n", b"a NOOP\r\n")


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=40)), max_size=20))
def test_what_passed_comes_back_in_order_whatever_the_pieces(pieces: list[tuple[bool, bytes]]) -> None:
    tcp = opened()
    expected = {True: 1001, False: 9001}

    for from_client, payload in pieces:
        for packet in map(read_packet, tcp.data(payload, from_client=from_client)):
            assert packet.payload == payload
            assert packet.sequence == expected[from_client]
            expected[from_client] += len(payload)


@both_versions
def test_much_data_is_cut_into_segments_that_follow_each_other(client: Endpoint, server: Endpoint) -> None:
    payload = bytes(range(256)) * 512

    packets = [read_packet(each) for each in opened(client, server).data(payload, from_client=True)]
    assert [len(each.payload) for each in packets] == [LARGEST_SEGMENT, LARGEST_SEGMENT, 1072]
    assert [each.sequence for each in packets] == [1001, 66_001, 131_001]
    assert b"".join(each.payload for each in packets) == payload
    assert [Flag.PSH in each.flags for each in packets] == [False, False, True]


def test_no_data_is_no_packet() -> None:
    assert list(opened().data(b"", from_client=True)) == []


def test_sequence_numbers_begin_again_behind_32_bits() -> None:
    tcp = MadeUpTcp(CLIENT, SERVER, client_starts_at=2**32 - 3)
    tcp.opening()

    first, second = (read_packet(next(tcp.data(b"1234", from_client=True))) for _ in range(2))
    assert (first.sequence, second.sequence) == (2**32 - 2, 2)


@both_versions
def test_each_end_of_a_direction_is_acknowledged_and_the_other_direction_goes_on(
    client: Endpoint, server: Endpoint
) -> None:
    tcp = opened(client, server)
    fin, answer = map(read_packet, tcp.end(from_client=False))
    (later,) = map(read_packet, tcp.data(b"bye", from_client=True))
    last_fin, last = map(read_packet, tcp.end(from_client=True))

    assert (fin.source, fin.flags, fin.sequence) == (server, Flag.FIN | Flag.ACK, 9001)
    assert (answer.source, answer.flags, answer.acknowledged) == (client, Flag.ACK, 9002)
    assert (later.source, later.sequence) == (client, 1001)
    assert (last_fin.source, last_fin.flags, last_fin.sequence) == (client, Flag.FIN | Flag.ACK, 1004)
    assert (last.source, last.flags, last.sequence, last.acknowledged) == (server, Flag.ACK, 9002, 1005)


def test_a_reset_is_one_packet() -> None:
    packet = read_packet(opened().reset(from_client=True))

    assert (packet.source, packet.flags, packet.sequence) == (CLIENT, Flag.RST | Flag.ACK, 1001)


def test_ends_that_speak_different_versions_of_ip_are_refused() -> None:
    with pytest.raises(ValueError, match="different versions"):
        MadeUpTcp(CLIENT, SERVER_6)
