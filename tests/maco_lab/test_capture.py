"""The file for Wireshark: every byte that passed, on its hop, at its time, and keys only where they are asked for."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maco_lab.capture import capture_blocks, write_capture
from maco_lab.taps.chunk import HOPS, Hop, TapChunk, TapEnd
from maco_lab.taps.copies import Wiretap
from maco_wire.made_up_tcp import Flag
from tests.maco_lab.tapped import BEGAN, SERVER, TappedWire, connection
from tests.maco_wire.capture_reader import INTERFACE, PACKET, SECRETS, Captured, captured, walk

SERVERS = {SERVER: ("mail.stadtwerke.example", 143)}
KEY_LINES = (b"CLIENT_RANDOM 01 02", b"CLIENT_RANDOM 03 04")

chunks_of_two = st.lists(st.tuples(st.sampled_from([1, 2]), st.booleans(), st.binary(min_size=1, max_size=20)))


def wiretap(*chunks: TapChunk, **more: Any) -> Wiretap:
    return Wiretap(tuple(dict.fromkeys(chunk.connection for chunk in chunks)), chunks, **more)


def file_of(tapped: Wiretap, key_log: Iterable[bytes] = ()) -> bytes:
    return b"".join(capture_blocks(tapped, SERVERS, key_log))


def packets(*chunks: TapChunk) -> list[Captured]:
    return captured(file_of(wiretap(*chunks)))


def greeting(number: int = 1, hop: Hop = "customer LAN", at: float = BEGAN + 1) -> TapChunk:
    return TapChunk(connection(number, hop, ("127.0.0.1", 50000 + number)), False, at, b"* OK\r\n")


def test_there_is_an_interface_for_each_hop_by_its_name() -> None:
    interfaces = [body for kind, body in walk(file_of(wiretap())) if kind == INTERFACE]

    assert len(interfaces) == len(HOPS)
    assert all(hop.encode() in body for hop, body in zip(HOPS, interfaces, strict=True))


@pytest.mark.parametrize("hop", HOPS)
def test_bytes_are_on_the_interface_of_their_hop(hop: Hop) -> None:
    found = packets(greeting(hop=hop))

    assert {HOPS[each.interface] for each in found} == {hop}
    assert [each.packet.payload for each in found if each.packet.payload] == [b"* OK\r\n"]


@given(chunks_of_two)
def test_each_direction_of_each_connection_comes_back_whole(passed: list[tuple[int, bool, bytes]]) -> None:
    wires = {number: TappedWire(connection(number, client=("127.0.0.1", 50000 + number))) for number in (1, 2)}
    for number, from_client, data in passed:
        wires[number].passes(data, from_client=from_client)
    found = packets(*(chunk for wire in wires.values() for chunk in wire.chunks))

    for number, from_client in ((1, True), (1, False), (2, True), (2, False)):
        mine = [each.packet for each in found if 50000 + number in (each.packet.source.port, each.packet.target.port)]
        read = b"".join(each.payload for each in mine if (each.target.port == 143) == from_client)
        assert read == b"".join(data for n, way, data in passed if (n, way) == (number, from_client))


def test_packets_of_all_hops_are_in_the_order_of_time() -> None:
    found = packets(
        greeting(1, at=BEGAN + 3), greeting(2, "tunnel", BEGAN + 1), greeting(3, "cloud network", BEGAN + 2)
    )

    times = [each.at_us for each in found]
    assert times == sorted(times)
    assert [each.interface for each in found if each.packet.payload] == [1, 0, 2]


def test_a_time_is_given_in_microseconds() -> None:
    found = packets(greeting(at=BEGAN + 0.000_25))

    assert [each.at_us for each in found if each.packet.payload] == [1_700_000_000_000_250]


def test_a_clock_that_is_set_back_turns_no_bytes_around() -> None:
    first, second = greeting(at=BEGAN + 5), greeting(at=BEGAN - 5)

    times = [each.at_us for each in packets(first, second) if each.packet.payload]
    assert times == [(int(BEGAN) + 5) * 1_000_000] * 2


def test_a_connection_begins_when_it_was_opened() -> None:
    (syn,) = (each.at_us for each in packets(greeting(at=BEGAN + 1)) if each.packet.flags == Flag.SYN)

    assert syn == int(BEGAN) * 1_000_000


def ended(*ends: tuple[bool, float, Literal["end", "reset"]], chunk: TapChunk | None = None) -> list[tuple[str, str]]:
    """Return who sent what at the end of a connection: its last packets that carry bytes, FIN or RST."""
    chunk = chunk or greeting()
    met = tuple(TapEnd(chunk.connection, from_client, at, how) for from_client, at, how in ends)
    found = captured(file_of(wiretap(chunk, ends=met)))
    told = {Flag.FIN | Flag.ACK: "FIN", Flag.RST | Flag.ACK: "RST", Flag.PSH | Flag.ACK: "bytes"}
    return [
        ("server" if each.packet.source.port == 143 else "client", told[each.packet.flags])
        for each in found
        if each.packet.flags in told
    ]


def test_a_connection_that_may_go_on_has_no_end() -> None:
    assert ended() == [("server", "bytes")]


def test_ends_come_from_the_side_that_ended_and_in_their_order() -> None:
    assert ended((False, BEGAN + 2, "end"), (True, BEGAN + 3, "end"))[1:] == [("server", "FIN"), ("client", "FIN")]
    assert ended((True, BEGAN + 2, "end"), (False, BEGAN + 3, "end"))[1:] == [("client", "FIN"), ("server", "FIN")]


def test_a_side_that_ended_early_still_hears_the_other() -> None:
    assert ended((True, BEGAN + 0.5, "end"), (False, BEGAN + 2, "end")) == [
        ("client", "FIN"),
        ("server", "bytes"),
        ("server", "FIN"),
    ]


@pytest.mark.parametrize("from_client", [True, False])
def test_a_reset_is_one_by_the_side_that_reset(from_client: bool) -> None:
    assert ended((from_client, BEGAN + 2, "reset"))[1:] == [("client" if from_client else "server", "RST")]


@pytest.mark.parametrize("how", ["end", "reset"])
def test_no_bytes_stand_behind_the_end_of_their_side(how: Literal["end", "reset"]) -> None:
    """A tap may meet a reset when it sends, while bytes from before it are still to be read."""
    assert [side for side, _ in ended((False, BEGAN + 0.5, how))] == ["server", "server"]
    assert ended((False, BEGAN + 0.5, how))[0] == ("server", "bytes")


def test_the_real_addresses_stand_in_a_comment_on_the_first_packet_alone() -> None:
    first, *others = packets(greeting())

    assert b"really 127.0.0.1:50001 to 127.0.0.1:40143" in first.rest
    assert {each.rest for each in others} == {b""}


def test_a_connection_that_lost_its_first_bytes_says_so() -> None:
    first, *_ = captured(file_of(wiretap(greeting(), incomplete=frozenset({1}))))

    assert b"its first bytes are missing" in first.rest


def test_a_connection_on_which_nothing_passed_is_shown_too() -> None:
    found = captured(file_of(Wiretap((connection(),))))

    assert [each.packet.flags for each in found if each.packet.flags != Flag.ACK] == [
        Flag.SYN,
        Flag.SYN | Flag.ACK,
    ]


def test_ports_that_were_used_before_begin_with_other_sequence_numbers() -> None:
    ends = {"client": ("127.0.0.1", 50001)}
    chunks = [TapChunk(connection(number, **ends), True, BEGAN + number, b"x") for number in (1, 2)]  # type: ignore[arg-type]

    starts = [each.packet.sequence for each in packets(*chunks) if each.packet.flags == Flag.SYN]
    assert len(set(starts)) == 2


def test_keys_come_before_the_first_packet() -> None:
    kinds = [kind for kind, _ in walk(file_of(wiretap(greeting()), KEY_LINES))]

    assert kinds.count(SECRETS) == 1
    assert kinds.index(SECRETS) < kinds.index(PACKET)


def test_each_key_is_a_line_of_its_own() -> None:
    (secrets,) = (body for kind, body in walk(file_of(wiretap(), KEY_LINES)) if kind == SECRETS)

    assert b"CLIENT_RANDOM 01 02\nCLIENT_RANDOM 03 04\n" in secrets


def test_without_keys_there_is_no_block_for_them() -> None:
    assert SECRETS not in [kind for kind, _ in walk(file_of(wiretap(greeting())))]


def test_the_file_is_its_owners_alone_even_over_one_that_was_open_to_all(tmp_path: Path) -> None:
    target = tmp_path / "out.pcapng"
    target.touch(mode=0o644)

    write_capture(target, wiretap(greeting()), SERVERS, KEY_LINES)

    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert captured(target.read_bytes())


def test_a_file_that_could_not_be_written_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "out.pcapng"
    target.write_bytes(b"old")

    def broken_keys() -> Iterator[bytes]:
        yield b"CLIENT_RANDOM 01 02"
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space"):
        write_capture(target, wiretap(greeting()), SERVERS, broken_keys())
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("out.pcapng", b"old")]
