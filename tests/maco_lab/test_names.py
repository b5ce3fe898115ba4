"""The on-premise names: a table and nothing else."""

from __future__ import annotations

import pytest

from maco_lab.names import OnPremiseNames

HOSTS = {"mail.stadtwerke.example:143": ("127.0.0.1", 3143), "Other.example:993": ("192.0.2.7", 993)}


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


def test_a_name_leads_elsewhere_until_the_table_is_restored() -> None:
    names = OnPremiseNames(HOSTS, {("127.0.0.1", 3143): ("127.0.0.1", 40001)})
    names.lead("MAIL.stadtwerke.example", 143, ("127.0.0.1", 5143))
    names.lead("new.example", 143, ("127.0.0.1", 5143))
    assert names.resolve("mail.stadtwerke.example", 143) == names.resolve("new.example", 143) == ("127.0.0.1", 5143)

    names.restore()

    assert names.resolve("mail.stadtwerke.example", 143) == ("127.0.0.1", 40001)
    assert names.resolve("new.example", 143) is None
