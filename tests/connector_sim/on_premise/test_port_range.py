from __future__ import annotations

import pytest

from connector_sim.on_premise.port_range import PortRange


@pytest.mark.parametrize(
    ("text", "ports"),
    [("143", PortRange(143, 143)), ("1000-1010", PortRange(1000, 1010)), ("7-7", PortRange(7, 7))],
)
def test_a_port_or_a_range_is_read(text: str, ports: PortRange) -> None:
    assert PortRange.parse(text) == ports


@pytest.mark.parametrize(
    "text", ["", "-", "1-", "-1", "1 - 2", " 1", "1\n", "1-2-3", "+1", "x", "65536", "1-65536", "2-1", "\u0661", "1_0"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="allowed"):
        PortRange.parse(text)


@pytest.mark.parametrize("text", ["143", "1000-1010"])
def test_it_is_written_as_it_was_read(text: str) -> None:
    assert str(PortRange.parse(text)) == text


def test_both_ends_belong_to_it() -> None:
    assert [port in PortRange(10, 12) for port in (9, 10, 12, 13)] == [False, True, True, False]
    assert len(PortRange(10, 12)) == 3


@pytest.mark.parametrize(
    ("other", "overlaps"),
    [((1, 9), False), ((1, 10), True), ((11, 11), True), ((12, 20), True), ((13, 20), False), ((1, 20), True)],
)
def test_ranges_overlap_if_they_have_a_port_in_common(other: tuple[int, int], overlaps: bool) -> None:
    assert PortRange(10, 12).overlaps(PortRange(*other)) is overlaps
    assert PortRange(*other).overlaps(PortRange(10, 12)) is overlaps
