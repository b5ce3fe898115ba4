"""From the journal to connections: what belongs together is put together, and nothing else."""

from __future__ import annotations

import itertools

from maco_lab.page.timeline import connections_of, newest
from maco_wire.observation import Observation, Party, PollFinished, TokenRefused
from tests.maco_lab.observed import Connection, entries, tunnel, way_a, way_b

A = Connection("way-a", maco=50001, lan=60001, trace="t1")
B = Connection("way-b", maco=50002, lan=60002, trace="t2", protocol="TCPS")


def seen(*parts: list[Observation]) -> list[list[Observation]]:
    return [[entry.observation for entry in each.timeline] for each in connections_of(entries(*parts))]


def test_one_poll_is_one_connection_with_all_it_caused() -> None:
    assert seen(tunnel(), way_a(A)) == [way_a(A)]


def test_two_polls_side_by_side_are_two_connections() -> None:
    mixed = [each for pair in itertools.zip_longest(way_a(A), way_b(B)) for each in pair if each is not None]

    assert seen(tunnel(), mixed) == [way_a(A), way_b(B)]


def test_addresses_that_are_used_again_belong_to_the_next_connection() -> None:
    again = Connection("way-b", maco=50001, lan=60001, trace="t2")

    assert seen(tunnel(), way_a(A), way_a(again)) == [way_a(A), way_a(again)]


def test_a_refused_token_is_a_connection_without_a_trace() -> None:
    local = ("127.0.0.1", 50009)
    refused: list[Observation] = [
        TokenRefused(Party.CONNECTIVITY, "expired", peer=local),
        PollFinished(Party.MACO, "way-a", succeeded=False, stage="socks", local=local),
    ]
    (connection,) = connections_of(entries(refused))

    assert (connection.id, connection.outcome, connection.virtual) == ("entry-1", "failed", "")
    assert connection.timeline == entries(refused)


def test_a_poll_that_could_not_dial_is_a_connection_of_its_own() -> None:
    failed = PollFinished(Party.MACO, "way-a", succeeded=False, stage="dial", error="refused")

    assert [each.outcome for each in connections_of(entries([failed, failed]))] == ["failed", "failed"]


def test_the_head_of_a_connection_says_where_it_went_and_how_it_ended() -> None:
    (connection,) = connections_of(entries(way_b(B)))

    assert (connection.id, connection.outcome) == ("t2", "done")
    assert connection.virtual == "mail.stadtwerke.example:143" or ":" in connection.virtual
    assert connection.ended_at is not None


def test_the_newest_are_returned_the_newest_first() -> None:
    found = connections_of(entries(way_a(A), way_b(B)))

    assert [each.trace_id for each in newest(found, 5)] == ["t2", "t1"]
    assert [each.trace_id for each in newest(found, 1)] == ["t2"]
