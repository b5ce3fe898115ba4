"""No two mappings overlap, and finding one takes the same few steps among any number of them: steps are counted."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector_sim.on_premise.port_range import PortRange
from connector_sim.on_premise.system_mapping import SystemMapping
from connector_sim.on_premise.virtual_systems import MappingOverlap, VirtualSystems
from tests.connector_sim.landscape import mapping
from tests.connector_sim.on_premise.ranges import port_range
from tests.faults.seeds import SOAK

FTP = port_range("Ftp.Virtual", 1000, 1010)
PASSIVE = port_range("ftp.virtual", 1020, 1030)
CONTROL = mapping("ftp.virtual", 21)


@pytest.mark.parametrize(
    ("port", "found"),
    [(21, CONTROL), (999, None), (1000, FTP), (1005, FTP), (1010, FTP), (1011, None), (1020, PASSIVE), (1031, None)],
)
def test_a_port_finds_the_mapping_that_has_it(port: int, found: SystemMapping | None) -> None:
    assert VirtualSystems([PASSIVE, FTP, CONTROL]).find("ftp.VIRTUAL", port) is found


def test_another_host_has_the_same_ports_for_itself() -> None:
    other = port_range("other.virtual", 1000, 1010)
    assert VirtualSystems([FTP, other]).find("other.virtual", 1003) is other


@pytest.mark.parametrize(
    "ports", [(1010, 1010), (1000, 1000), (990, 1000), (1010, 1020), (1003, 1004), (1, 60_000), (1000, 1010)]
)
def test_what_overlaps_is_refused_and_both_are_told(ports: tuple[int, int]) -> None:
    systems = VirtualSystems([CONTROL, FTP])
    wanted = port_range("ftp.virtual", *ports)
    with pytest.raises(MappingOverlap) as caught:
        systems.add(wanted)
    assert (caught.value.mapping, caught.value.other in (FTP, CONTROL)) == (wanted, True)
    assert caught.value.field == "virtualPort"
    assert list(systems) == [CONTROL, FTP]


def test_the_text_of_an_overlap_names_both() -> None:
    with pytest.raises(MappingOverlap, match=r"'ftp\.virtual:1005' overlaps 'Ftp\.Virtual:1000-1010'"):
        VirtualSystems([FTP, mapping("ftp.virtual", 1005)])


def test_the_text_of_a_repetition_names_it_once() -> None:
    with pytest.raises(MappingOverlap, match=r"'ftp\.virtual:21' is mapped twice"):
        VirtualSystems([CONTROL, CONTROL])


def test_what_was_removed_is_found_no_more_and_leaves_its_ports_free() -> None:
    systems = VirtualSystems([CONTROL, FTP, PASSIVE])
    assert systems.remove("FTP.virtual", FTP.virtual_ports) is FTP
    systems.add(mapping("ftp.virtual", 1005))
    assert [systems.find("ftp.virtual", port) is not None for port in (21, 1004, 1005, 1025)] == [
        True,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("ports", [(1000, 1000), (1000, 1009), (1003, 1003), (7, 7)])
def test_a_part_of_a_range_cannot_be_removed(ports: tuple[int, int]) -> None:
    systems = VirtualSystems([FTP])
    with pytest.raises(KeyError):
        systems.remove("ftp.virtual", PortRange(*ports))
    assert systems.find("ftp.virtual", 1003) is FTP


@pytest.mark.parametrize(("port", "closest"), [(1, CONTROL), (500, CONTROL), (600, FTP), (1014, FTP), (9999, PASSIVE)])
def test_the_closest_of_a_host_is_the_one_with_the_closest_port(port: int, closest: SystemMapping) -> None:
    assert VirtualSystems([PASSIVE, CONTROL, FTP]).closest("ftp.virtual", port) is closest


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 40), st.integers(0, 6)), max_size=60))
@settings(max_examples=200 if SOAK else 50, deadline=None)
def test_it_agrees_with_looking_at_every_mapping(steps: list[tuple[bool, int, int]]) -> None:
    systems, model = VirtualSystems(), dict[PortRange, SystemMapping]()
    for adds, first, more in steps:
        wanted = port_range("h", first, first + more)
        if adds and not any(each.overlaps(wanted.virtual_ports) for each in model):
            systems.add(wanted)
            model[wanted.virtual_ports] = wanted
        elif adds:
            with pytest.raises(MappingOverlap):
                systems.add(wanted)
        elif wanted.virtual_ports in model:
            systems.remove("h", wanted.virtual_ports)
            del model[wanted.virtual_ports]
    assert list(systems) == list(model.values())
    for port in range(1, 50):
        assert systems.find("h", port) == next((each for ports, each in model.items() if port in ports), None)


class _Counted(int):
    """A port that counts how often it is compared."""

    compared = 0

    def __lt__(self, other: int) -> bool:
        _Counted.compared += 1
        return int(self) < other

    def __gt__(self, other: int) -> bool:
        _Counted.compared += 1
        return int(self) > other

    __hash__ = int.__hash__


BINARY_SEARCH = 16  # log2 of 65,535 ports of a host


def _every_second_port(count: int) -> VirtualSystems:
    ports = list(range(2, 2 * count + 2, 2))
    random.Random(4).shuffle(ports)
    return VirtualSystems(mapping("h", port) for port in ports)


@pytest.mark.parametrize("count", [10, 1_000, 32_000])
def test_finding_compares_no_more_than_a_binary_search(count: int) -> None:
    systems = _every_second_port(count)
    _Counted.compared = 0
    assert systems.find("h", _Counted(count + 1)) is None
    assert 1 <= _Counted.compared <= BINARY_SEARCH + 1


def test_finding_a_single_port_compares_nothing_with_its_neighbours() -> None:
    systems = _every_second_port(1_000)
    _Counted.compared = 0
    assert systems.find("h", _Counted(1_000)) is not None
    assert _Counted.compared == 0


@pytest.mark.parametrize("count", [10, 1_000, 32_000])
def test_adding_and_removing_one_compare_no_more_than_a_binary_search_each(count: int) -> None:
    systems = _every_second_port(count)
    _Counted.compared = 0
    systems.add(mapping("h", _Counted(count + 1)))
    systems.remove("h", PortRange(count + 1, count + 1))
    constant = 24  # checks of the port itself, and of its neighbours
    assert 1 <= _Counted.compared <= 2 * BINARY_SEARCH + constant
