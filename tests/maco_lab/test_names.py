"""The on-premise names: a table and nothing else."""

from __future__ import annotations

import pytest

from connector_sim.on_premise.port_range import PortRange
from maco_lab.names import OnPremiseNames
from maco_wire.observation import Address

HOSTS = {
    "mail.stadtwerke.example:143": ("127.0.0.1", PortRange(3143, 3143)),
    "Other.example:993": ("192.0.2.7", PortRange(993, 993)),
}
RANGES = {
    "ftp.example:2000-2010": ("192.0.2.8", PortRange(5000, 5010)),
    "ftp.example:2003": ("127.0.0.1", PortRange(7, 7)),
    "FTP.example:2020-2029": ("192.0.2.9", PortRange(2020, 2029)),
}


@pytest.mark.parametrize("host", ["mail.stadtwerke.example", "MAIL.Stadtwerke.EXAMPLE"])
def test_a_name_is_resolved_whatever_its_case(host: str) -> None:
    assert OnPremiseNames(HOSTS, {}).resolve(host, 143) == ("127.0.0.1", 3143)


def test_a_name_in_the_table_may_have_capitals_itself() -> None:
    assert OnPremiseNames(HOSTS, {}).resolve("other.example", 993) == ("192.0.2.7", 993)


@pytest.mark.parametrize(("host", "port"), [("mail.stadtwerke.example", 993), ("localhost", 143), ("127.0.0.1", 3143)])
def test_what_is_not_in_the_table_does_not_resolve(host: str, port: int) -> None:
    assert OnPremiseNames(HOSTS, {}).resolve(host, port) is None


def test_an_address_that_took_another_port_is_followed() -> None:
    names = OnPremiseNames(HOSTS, {("127.0.0.1", 3143): ("127.0.0.1", 40001)})

    assert names.resolve("mail.stadtwerke.example", 143) == ("127.0.0.1", 40001)
    assert names.resolve("other.example", 993) == ("192.0.2.7", 993)


@pytest.mark.parametrize(
    ("port", "address"),
    [(2000, ("192.0.2.8", 5000)), (2010, ("192.0.2.8", 5010)), (2021, ("192.0.2.9", 2021))],
)
def test_a_port_of_a_range_is_found_at_the_same_offset(port: int, address: tuple[str, int]) -> None:
    assert OnPremiseNames(RANGES, {}).resolve("Ftp.example", port) == address


def test_a_row_for_one_port_comes_before_a_range_that_has_it() -> None:
    assert OnPremiseNames(RANGES, {}).resolve("ftp.example", 2003) == ("127.0.0.1", 7)


@pytest.mark.parametrize("port", [1999, 2011, 2019, 2030])
def test_a_port_beside_every_range_does_not_resolve(port: int) -> None:
    assert OnPremiseNames(RANGES, {}).resolve("ftp.example", port) is None


def test_a_port_of_a_range_that_took_another_port_is_followed() -> None:
    names = OnPremiseNames(RANGES, {("192.0.2.8", 5001): ("192.0.2.8", 40001)})

    assert names.resolve("ftp.example", 2001) == ("192.0.2.8", 40001)
    assert names.resolve("ftp.example", 2002) == ("192.0.2.8", 5002)


def test_a_name_leads_elsewhere_until_the_table_is_restored() -> None:
    names = OnPremiseNames(HOSTS, {("127.0.0.1", 3143): ("127.0.0.1", 40001)})
    names.lead("MAIL.stadtwerke.example", 143, ("127.0.0.1", 5143))
    names.lead("new.example", 143, ("127.0.0.1", 5143))
    assert names.resolve("mail.stadtwerke.example", 143) == names.resolve("new.example", 143) == ("127.0.0.1", 5143)

    names.restore()

    assert names.resolve("mail.stadtwerke.example", 143) == ("127.0.0.1", 40001)
    assert names.resolve("new.example", 143) is None


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (("192.0.2.7", 993), ("other.example", 993)),
        (("192.0.2.8", 5010), ("ftp.example", 2010)),
        (("127.0.0.1", 7), ("ftp.example", 2003)),
        (("127.0.0.1", 40001), ("mail.stadtwerke.example", 143)),
        (("192.0.2.8", 40002), ("ftp.example", 2001)),
    ],
)
def test_an_address_is_named_after_the_internal_host_that_leads_to_it(address: Address, name: tuple[str, int]) -> None:
    moved = {("127.0.0.1", 3143): ("127.0.0.1", 40001), ("192.0.2.8", 5001): ("192.0.2.8", 40002)}

    assert OnPremiseNames(HOSTS | RANGES, moved).name_of(address) == name


def test_an_address_to_which_a_name_was_led_has_that_name() -> None:
    names = OnPremiseNames(HOSTS, {})
    names.lead("mail.stadtwerke.example", 143, ("127.0.0.1", 40009))

    assert names.name_of(("127.0.0.1", 40009)) == ("mail.stadtwerke.example", 143)


@pytest.mark.parametrize("address", [("127.0.0.1", 3144), ("192.0.2.8", 4999), ("192.0.2.8", 5011)])
def test_an_address_that_no_name_leads_to_has_none(address: Address) -> None:
    assert OnPremiseNames(HOSTS | RANGES, {}).name_of(address) is None


def test_a_firewall_drops_its_ports_and_no_others_whatever_the_case() -> None:
    names = OnPremiseNames(HOSTS, {}, [("Mail.Stadtwerke.example", PortRange(143, 144))])

    assert [names.drops("mail.stadtwerke.EXAMPLE", port) for port in (142, 143, 144, 145)] == [False, True, True, False]
    assert not names.drops("other.example", 143)
    assert names.resolve("mail.stadtwerke.example", 143) == ("127.0.0.1", 3143), "the name is known all the same"
