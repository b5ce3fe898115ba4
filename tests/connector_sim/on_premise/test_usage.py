from __future__ import annotations

from connector_sim.on_premise.usage import Figures, Usage, VirtualSystem
from connector_sim.relay import Passed
from maco_wire.observation import Observation, Party, Problem, StreamClosed, StreamOpened

SYSTEM = VirtualSystem("stadtwerke", "mail.virtual", 143, "TCP")


def opened(trace_id: str, port: int = 143) -> StreamOpened:
    return StreamOpened(
        Party.CLOUD_CONNECTOR,
        "mail.virtual",
        port,
        "stadtwerke",
        internal_host="mail.example",
        internal_port=port,
        protocol="TCP",
        trace_id=trace_id,
    )


def closed(trace_id: str, up: int = 0, down: int = 0) -> StreamClosed:
    return StreamClosed(Party.CLOUD_CONNECTOR, up, down, trace_id=trace_id)


def counted(*observations: Observation) -> Usage:
    usage = Usage(lambda: 1.5)
    record = usage.seeing(lambda _: None)
    for each in observations:
        record(each)
    return usage


def test_everything_is_passed_on() -> None:
    passed: list[Observation] = []
    seen = [opened("a"), closed("a"), Problem(Party.CLOUD_CONNECTOR, "x")]
    record = Usage(lambda: 0.0).seeing(passed.append)
    for each in seen:
        record(each)
    assert passed == seen


def test_a_connection_is_open_until_it_is_closed() -> None:
    usage = counted(opened("a"), opened("b"), opened("c", 993), closed("a", 10, 20))
    assert usage.open_connections("stadtwerke") == 2
    assert usage.open_connections("netzbetreiber") == 0
    assert dict(usage.systems("stadtwerke"))[SYSTEM] == Figures("mail.example:143", 1, 10, 20, 1500)


def test_bytes_of_an_open_connection_count_as_far_as_they_have_passed() -> None:
    passed = [Passed("b", 1, 2), Passed("unknown", 100, 100)]
    usage = Usage(lambda: 1.5, lambda: passed)
    record = usage.seeing(lambda _: None)
    for each in (opened("a"), opened("b"), opened("c", 993), closed("a", 10, 20)):
        record(each)

    assert dict(usage.systems("stadtwerke"))[SYSTEM] == Figures("mail.example:143", 1, 11, 22, 1500)
    passed[0] = Passed("b", 3, 4)
    assert dict(usage.systems("stadtwerke"))[SYSTEM] == Figures("mail.example:143", 1, 13, 24, 1500)
    passed.pop(0)
    record(closed("b", 3, 4))
    assert dict(usage.systems("stadtwerke"))[SYSTEM] == Figures("mail.example:143", 0, 13, 24, 1500)


def test_the_end_of_a_connection_that_was_not_seen_counts_for_nothing() -> None:
    assert list(counted(closed("a", 10, 20)).systems("stadtwerke")) == []


def test_what_is_open_stays_open_when_the_count_begins_anew() -> None:
    usage = counted(opened("a"), closed("a", 10, 20), opened("b"))
    usage.restart()
    assert dict(usage.systems("stadtwerke")) == {SYSTEM: Figures("", 1)}
    usage.seeing(lambda _: None)(closed("b", 1, 2))
    assert dict(usage.systems("stadtwerke")) == {SYSTEM: Figures("", 0, 1, 2)}


def test_figures_that_were_handed_out_do_not_change() -> None:
    usage = counted(opened("a"))
    (_, figures), *_ = usage.systems("stadtwerke")
    usage.seeing(lambda _: None)(closed("a", 1, 2))
    assert figures.active == 1
