from __future__ import annotations

from maco_client.configuration import Configuration
from maco_client.metrics import metrics
from maco_client.results import PollResult
from maco_client.tenant import PollStatistics


def polled(*, succeeded: bool) -> PollStatistics:
    statistics = PollStatistics()
    statistics.begin(1.0)
    statistics.end(PollResult("c", succeeded=succeeded, stage="done", stored=3, duration_ms=250), 2.0)
    return statistics


def test_every_figure_has_its_help_and_its_type() -> None:
    lines = metrics(Configuration(), {}, {}, 0).splitlines()

    names = [line.split()[2] for line in lines if line.startswith("# HELP ")]
    assert names == [line.split()[2] for line in lines if line.startswith("# TYPE ")]
    assert "maco_polls_total" in names
    assert "maco_poll_locks 0" in lines


def test_polls_are_counted_by_connection_and_outcome() -> None:
    lines = metrics(Configuration(), {"c": polled(succeeded=True), "d": polled(succeeded=False)}, {}, 1).splitlines()

    assert 'maco_polls_total{connection="c",outcome="succeeded"} 1' in lines
    assert 'maco_polls_total{connection="d",outcome="failed"} 1' in lines
    assert 'maco_poll_seconds_total{connection="c"} 0.25' in lines
    assert 'maco_poll_last_success_timestamp_seconds{connection="c"} 2' in lines
    assert not [line for line in lines if line.startswith('maco_poll_last_success_timestamp_seconds{connection="d"')]


def test_a_label_is_escaped() -> None:
    # Prometheus, exposition formats: "label_value can be any sequence of UTF-8 characters, but the backslash (\),
    # double-quote ("), and line feed (\n) characters have to be escaped".
    lines = metrics(Configuration(), {}, {'a"b\\c': 1}, 0).splitlines()

    assert 'maco_inbox_mails{connection="a\\"b\\\\c"} 1' in lines
