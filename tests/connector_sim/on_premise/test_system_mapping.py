from __future__ import annotations

import pytest

from connector_sim.exceptions import SettingsError
from connector_sim.on_premise.port_range import PortRange
from connector_sim.on_premise.system_mapping import MappingProtocol, SystemMapping

TCPS = MappingProtocol.TCPS


def _between(virtual: str, internal: str) -> SystemMapping:
    ports = PortRange.parse(virtual), PortRange.parse(internal)
    return SystemMapping.between("ftp.virtual", ports[0], "ftp.corp", ports[1], TCPS)


def test_each_port_of_a_range_keeps_its_offset() -> None:
    assert _between("1000-1010", "2000-2010").narrowed_to(1003) == SystemMapping(
        "ftp.virtual", 1003, "ftp.corp", 2003, TCPS
    )


def test_both_ranges_are_told_as_they_were_given() -> None:
    mapping = _between("1000-1010", "2000-2010")
    assert (mapping.virtual, str(mapping.internal_ports)) == ("ftp.virtual:1000-1010", "2000-2010")


def test_a_mapping_of_one_port_is_narrow_already() -> None:
    mapping = _between("143", "1143")
    assert mapping.narrowed_to(143) is mapping


@pytest.mark.parametrize(
    ("virtual", "internal", "told"),
    [
        ("1000-1010", "2000-2011", "found 2000-2011 (12 ports), allowed: 11 ports, as many as virtual"),
        ("1000", "2000-2001", "found 2000-2001 (2 ports), allowed: 1 port, as many as virtual"),
    ],
)
def test_ranges_of_different_sizes_are_refused(virtual: str, internal: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        _between(virtual, internal)
    assert (caught.value.field, caught.value.message) == ("localPort", told)


@pytest.mark.parametrize(("first", "count"), [(65_530, 7), (1, 65_536), (1, 0), (0, 2)])
def test_a_range_beyond_the_ports_there_are_is_refused(first: int, count: int) -> None:
    with pytest.raises(SettingsError) as caught:
        SystemMapping("v", first, "i", first, TCPS, port_count=count)
    assert caught.value.field == "virtualPort"
