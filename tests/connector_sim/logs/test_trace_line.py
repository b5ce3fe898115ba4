"""A line of the trace has the fields that public lines of the product have (facts, 7.3)."""

from __future__ import annotations

import pytest

from connector_sim.logs.settings import TraceLevel
from connector_sim.logs.trace_line import MAX_MESSAGE, channel, trace_line

AT = 1_790_000_000.25


def test_fields_are_parted_and_the_message_comes_last() -> None:
    line = trace_line(AT, TraceLevel.WARN, "com.sap.scc", "tunnel-client", "c36f8a2612345678", "a # in it")

    assert line == b"2026-09-21 14:13:20,250 +0000#WARN#com.sap.scc#tunnel-client#0xc36f8a26#a # in it\n"


@pytest.mark.parametrize("trace_id", [None, "", "short", "not#hexadecimal"])
def test_without_a_stream_the_channel_is_a_blank(trace_id: str | None) -> None:
    assert channel(trace_id) == " "


def test_a_message_is_one_bounded_line() -> None:
    line = trace_line(AT, TraceLevel.INFO, "x", "y", None, "a\r\nb\x1b" + "c" * 2 * MAX_MESSAGE).decode()

    assert line.count("\n") == 1
    assert line.endswith("\n")
    assert "\x1b" not in line
    assert len(line) < MAX_MESSAGE + 100
