from __future__ import annotations

from connector_sim.direction import Direction
from connector_sim.passage import Watcher
from maco_net.errors import NetError, PeerReset, PeerTruncated
from maco_wire.canary import Canary
from maco_wire.observation import CanarySeen, Observation, Party
from tests.connector_sim.sides import ScriptedSide

CANARY = Canary(7, "mail line", "kanarienvogel1234")
RESET = PeerReset("reset by peer")


class _Ends:
    """What a relay would hear."""

    def __init__(self) -> None:
        self.is_ending = False
        self.truncation_is_an_end = False
        self.told: list[str] = []

    def passes_as_end(self, error: NetError) -> bool:
        return self.truncation_is_an_end and isinstance(error, PeerTruncated)

    def moved(self) -> None:
        self.told.append("moved")

    def source_ends(self) -> None:
        self.told.append("source ends")

    def direction_ended(self, direction: Direction) -> None:
        self.told.append("ended")

    def source_failed(self, error: NetError) -> None:
        self.told.append(f"source failed: {error}")

    def sink_failed(self, error: NetError) -> None:
        self.told.append(f"sink failed: {error}")


class _Way:
    """A direction between two scripted sides."""

    def __init__(self, *, takes: int = 1_000_000) -> None:
        self.seen: list[Observation] = []
        self.source, self.sink, self.ends = ScriptedSide(), ScriptedSide(takes=takes), _Ends()
        passage = Watcher(Party.CLOUD_CONNECTOR, self.seen.append, (CANARY,)).passage("to_maco", "trace")
        self.direction = Direction(self.source, self.sink, passage, self.ends)
        self.source.outlet = self.sink.inlet = self.direction


def test_what_a_source_is_read_into_lies_where_the_sink_sends_it_from() -> None:
    way = _Way()
    room = way.direction.room()
    assert room is not None
    room[:4] = b"a OK"
    way.direction.received(4)
    assert (bytes(way.sink.sent), way.direction.count) == (b"a OK", 4)


def test_a_source_that_delivers_is_told_what_went_out_and_what_waits() -> None:
    way = _Way(takes=3)
    way.source.say(b"12345")
    assert way.source.told == ["3 consumed, 2 waiting"]


def test_what_had_to_wait_is_told_once_it_has_gone() -> None:
    way = _Way(takes=0)
    way.source.say(b"12345")
    way.sink.take(4)
    assert way.source.told == ["4 consumed, 1 waiting"]


def test_a_sink_with_room_again_lets_its_source_go_on() -> None:
    way = _Way(takes=0)
    way.source.say(b"1")
    way.sink.take(1)
    assert "resume" in way.source.told


def test_early_bytes_are_not_told_a_second_time() -> None:
    way = _Way(takes=2)
    way.direction.push_early(b"early")
    way.source.say(b"late")
    way.sink.take(3 + 4)
    assert (bytes(way.sink.sent), way.source.told[0]) == (b"earlylate", "4 consumed, 0 waiting")


def test_early_bytes_are_looked_at_and_counted() -> None:
    way = _Way()
    way.direction.push_early(CANARY.value.encode())
    assert [type(each) for each in way.seen] == [CanarySeen]
    assert way.direction.count == len(CANARY.value)


def test_a_secret_cut_in_two_is_seen() -> None:
    way = _Way()
    way.source.say(CANARY.value[:9].encode())
    way.source.say(CANARY.value[9:].encode())
    assert [type(each) for each in way.seen] == [CanarySeen]


def test_an_end_is_passed_on() -> None:
    way = _Way()
    way.direction.ended()
    assert (way.sink.told, way.ends.told) == (["end"], ["ended"])


def test_an_end_waits_for_the_bytes_before_it() -> None:
    way = _Way(takes=0)
    way.source.say(b"bye")
    way.direction.ended()
    assert way.sink.told == []
    way.sink.take(3)
    assert way.sink.told == ["end"]


def test_a_failure_waits_for_the_bytes_before_it() -> None:
    way = _Way(takes=0)
    way.source.say(b"bye")
    way.direction.failed(RESET)
    assert "source failed: reset by peer" not in way.ends.told
    way.sink.take(3)
    assert way.ends.told[-1] == "source failed: reset by peer"


def test_a_failure_behind_bytes_that_wait_is_announced() -> None:
    way = _Way(takes=0)
    way.source.say(b"bye")
    way.direction.failed(RESET)
    assert way.ends.told == ["source ends"]


def test_a_truncation_is_passed_on_as_an_end_where_told() -> None:
    way = _Way()
    way.ends.truncation_is_an_end = True
    way.direction.failed(PeerTruncated("without close_notify"))
    assert way.sink.told == ["end"]


def test_a_sink_that_fails_stops_its_source() -> None:
    way = _Way()
    way.direction.send_failed(RESET)
    assert (way.source.told, way.ends.told) == (["stop"], ["sink failed: reset by peer"])


def test_nothing_passes_behind_a_failure_of_the_sink() -> None:
    way = _Way()
    way.direction.send_failed(RESET)
    way.source.say(b"too late")
    assert (bytes(way.sink.sent), way.direction.count) == (b"", 0)


def test_an_end_of_the_source_behind_a_failure_of_the_sink_says_nothing_new() -> None:
    way = _Way()
    way.direction.send_failed(RESET)
    way.direction.ended()
    assert (way.sink.told, way.ends.told) == ([], ["sink failed: reset by peer"])


def test_bytes_that_move_are_told_only_while_a_connection_ends() -> None:
    way = _Way()
    way.source.say(b"1")
    assert way.ends.told == []
    way.ends.is_ending = True
    way.source.say(b"2")
    assert way.ends.told == ["moved"]
