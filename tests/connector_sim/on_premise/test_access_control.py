from __future__ import annotations

import difflib
from collections.abc import Mapping

import pytest

from connector_sim.on_premise.access_control import NEAREST_AMONG, AccessControl
from connector_sim.on_premise.port_range import PortRange
from connector_sim.on_premise.virtual_systems import MappingOverlap
from tests.connector_sim.landscape import mapping
from tests.connector_sim.on_premise.ranges import port_range

IMAP = mapping("Imap.Virtual.example", 143, internal="mail01.corp", internal_port=1143)
SMTP = mapping("smtp.virtual.example", 25, internal="mail02.corp", internal_port=1025)
FTP = port_range("ftp.virtual.example", 1000, 1010, internal="ftp.corp")


def test_what_is_not_mapped_is_not_found() -> None:
    assert AccessControl([IMAP]).find("other.example", 143) is None
    assert AccessControl().find("imap.virtual.example", 143) is None


def test_virtual_hosts_compare_case_insensitively() -> None:
    assert AccessControl([IMAP]).find("iMAP.vIRTUAL.example", 143) is IMAP


def test_the_port_must_match() -> None:
    assert AccessControl([IMAP]).find(IMAP.virtual_host, 993) is None


def test_the_internal_name_opens_nothing() -> None:
    assert AccessControl([IMAP]).find("mail01.corp", 1143) is None


def test_a_misspelt_name_has_the_mapping_that_was_meant_as_nearest() -> None:
    assert AccessControl([SMTP, IMAP]).nearest("imap.virtuell.example", 143) == "Imap.Virtual.example:143"


def test_a_wrong_port_has_the_mapping_that_was_meant_as_nearest() -> None:
    assert AccessControl([SMTP, IMAP]).nearest("imap.virtual.example", 993) == "Imap.Virtual.example:143"


def test_the_internal_name_used_instead_has_its_virtual_system_as_nearest() -> None:
    assert AccessControl([IMAP, SMTP]).nearest("MAIL02.corp", 1025) == "smtp.virtual.example:25"


def test_a_name_that_is_like_none_has_no_nearest() -> None:
    assert AccessControl([IMAP, SMTP]).nearest("x", 9) == ""
    assert AccessControl().nearest("imap.virtual.example", 143) == ""


def test_a_hint_looks_at_a_bounded_number_of_names_among_very_many(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []

    def counting(word: str, names: Mapping[str, object], **_: object) -> list[str]:
        looked_at.append(len(names))
        return []

    monkeypatch.setattr(difflib, "get_close_matches", counting)
    many = AccessControl(mapping(f"host-{number}.virtual.example", 143) for number in range(5000))
    many.nearest("host-x.virtuell.example", 144)
    assert looked_at == [NEAREST_AMONG]


def test_of_a_range_the_part_for_the_port_is_found() -> None:
    found = AccessControl([IMAP, FTP]).find("ftp.virtual.example", 1003)
    assert found == mapping("ftp.virtual.example", 1003, internal="ftp.corp", internal_port=2003)


@pytest.mark.parametrize(
    ("host", "port", "nearest"),
    [
        ("ftp.virtual.example", 1011, "ftp.virtual.example:1000-1010"),
        ("ftp.virtual.example", 22, "ftp.virtual.example:21"),
        ("ftp.virtuell.example", 1003, "ftp.virtual.example:1000-1010"),
        ("FTP.corp", 2003, "ftp.virtual.example:1003"),
        ("ftp.corp", 2011, ""),
    ],
)
def test_a_hint_knows_ranges(host: str, port: int, nearest: str) -> None:
    control = mapping("ftp.virtual.example", 21, internal="control.corp", internal_port=21)
    assert AccessControl([IMAP, control, FTP]).nearest(host, port) == nearest


def test_a_host_that_is_mapped_has_its_closest_port_as_nearest_among_very_many() -> None:
    many = [mapping(f"host-{number}.virtual.example", 143) for number in range(1000)]
    assert AccessControl(many).nearest("host-999.virtual.example", 993) == "host-999.virtual.example:143"


def test_of_several_mappings_to_one_internal_system_the_first_that_is_left_is_nearest() -> None:
    control = AccessControl([IMAP, mapping("second.example", 7, internal="mail01.corp", internal_port=1143)])
    assert control.nearest("mail01.corp", 1143) == "Imap.Virtual.example:143"
    control.remove("imap.virtual.example", PortRange(143, 143))
    assert control.nearest("mail01.corp", 1143) == "second.example:7"
    control.remove("second.example", PortRange(7, 7))
    assert control.nearest("mail01.corp", 1143) == ""


def test_a_mapping_put_in_place_of_another_leads_where_the_new_one_says() -> None:
    control = AccessControl([IMAP, FTP])
    control.put(port_range("FTP.virtual.example", 1000, 1010, internal_first=3000, internal="new.corp"))
    found = control.find("ftp.virtual.example", 1003)
    assert found is not None
    assert (found.internal_host, found.internal_port) == ("new.corp", 3003)
    assert (control.nearest("ftp.corp", 2003), control.nearest("new.corp", 3003)) == ("", "FTP.virtual.example:1003")


@pytest.mark.parametrize("ports", [(1003, 1003), (1000, 1009), (1010, 1020)])
def test_what_overlaps_cannot_be_put_and_nothing_changes(ports: tuple[int, int]) -> None:
    control = AccessControl([IMAP, FTP])
    with pytest.raises(MappingOverlap):
        control.put(port_range("ftp.virtual.example", *ports))
    assert control.mappings == (IMAP, FTP)


def test_a_set_of_mappings_that_overlap_replaces_nothing() -> None:
    control = AccessControl([IMAP])
    with pytest.raises(MappingOverlap):
        control.replace([FTP, mapping("ftp.virtual.example", 1000)])
    assert control.mappings == (IMAP,)
