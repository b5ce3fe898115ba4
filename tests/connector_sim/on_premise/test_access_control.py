from __future__ import annotations

import time

from connector_sim.on_premise.access_control import AccessControl
from tests.connector_sim.landscape import mapping

IMAP = mapping("Imap.Virtual.example", 143, internal="mail01.corp", internal_port=1143)
SMTP = mapping("smtp.virtual.example", 25, internal="mail02.corp", internal_port=1025)


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


def test_a_hint_among_very_many_mappings_takes_no_time() -> None:
    many = AccessControl(mapping(f"host-{number}.virtual.example", 143) for number in range(5000))
    start = time.process_time()
    many.nearest("host-x.virtuell.example", 144)
    assert time.process_time() - start < 0.5
