"""The copies are bounded, and what gave way is named."""

from __future__ import annotations

from typing import Literal

from maco_lab.taps.chunk import TappedConnection
from maco_lab.taps.copies import CHUNK_COST, Copies, Passed

CLIENT, SERVER = ("127.0.0.1", 50001), ("127.0.0.1", 20004)


def opened(copies: Copies) -> TappedConnection:
    return copies.opened("cloud network", CLIENT, SERVER)


def test_chunks_keep_their_order_direction_and_time() -> None:
    times = iter([100.0, 101.0, 102.0])
    copies = Copies(clock=lambda: next(times))
    connection = opened(copies)

    copies.keeper(connection, from_client=True)(b"there")
    copies.keeper(connection, from_client=False)(b"back")

    assert [(chunk.data, chunk.from_client, chunk.at) for chunk in copies.wiretap().chunks] == [
        (b"there", True, 101.0),
        (b"back", False, 102.0),
    ]
    assert copies.wiretap().connections == (connection,)
    assert connection.opened_at == 100.0


def test_each_connection_has_a_number_of_its_own() -> None:
    copies = Copies()

    assert opened(copies).number != opened(copies).number


def test_beyond_the_limit_the_oldest_bytes_give_way_and_their_connection_is_named() -> None:
    copies = Copies(max_bytes=2 * (CHUNK_COST + 10))
    old, new = opened(copies), opened(copies)
    for connection in (old, new, new):
        copies.keeper(connection, from_client=True)(b"0123456789")

    wiretap = copies.wiretap()
    assert [chunk.connection for chunk in wiretap.chunks] == [new, new]
    assert wiretap.incomplete == {old.number}


def test_many_small_chunks_are_bounded_too() -> None:
    copies = Copies(max_bytes=10 * CHUNK_COST)
    connection = opened(copies)
    for _ in range(1_000):
        copies.keeper(connection, from_client=True)(b"x")

    assert len(copies.wiretap().chunks) < 10


def test_a_connection_beyond_the_limit_takes_its_bytes_with_it() -> None:
    copies = Copies(max_connections=1)
    old = opened(copies)
    copies.keeper(old, from_client=True)(b"old")

    new = opened(copies)
    copies.keeper(new, from_client=True)(b"new")

    assert copies.wiretap().connections == (new,)
    assert [chunk.data for chunk in copies.wiretap().chunks] == [b"new"]


def test_what_passed_in_all_is_known_of_each_hop_and_so_is_what_is_not_kept() -> None:
    copies = Copies(max_bytes=2 * (CHUNK_COST + 10))
    first, other = opened(copies), copies.opened("tunnel", CLIENT, SERVER)
    for from_client in (True, False, False):
        copies.keeper(first, from_client=from_client)(b"0123456789")

    assert copies.passed("cloud network") == Passed(connections=1, from_client=10, to_client=20, lost=10)
    assert copies.passed(other.hop) == Passed(connections=1)
    assert copies.passed("customer LAN") == Passed()


def test_each_end_is_kept_once_in_each_way_and_nothing_behind_a_reset() -> None:
    copies = Copies()
    connection = opened(copies)
    met: list[tuple[Literal["end", "reset"], bool]] = [
        ("end", True),
        ("end", True),
        ("reset", False),
        ("end", False),
        ("reset", True),
    ]
    for how, from_client in met:
        copies.ended(connection, how, from_client=from_client)

    assert [(each.how, each.from_client) for each in copies.wiretap().ends] == [("end", True), ("reset", False)]


def test_a_connection_that_is_forgotten_takes_its_end_with_it() -> None:
    copies = Copies(max_connections=1)
    old, new = opened(copies), opened(copies)
    for connection in (old, new):
        copies.ended(connection, "end", from_client=True)

    assert [each.connection for each in copies.wiretap().ends] == [new]
