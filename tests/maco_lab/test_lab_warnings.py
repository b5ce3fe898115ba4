from __future__ import annotations

import copy
from typing import Any

import pytest

from maco_lab.lab_warnings import warnings
from maco_lab.testing.settings import Change, lab_text


def warned(change: Change) -> list[str]:
    return warnings(lab_text(change).parsed().model)


def second_connector(data: dict[str, Any]) -> None:
    data["cloud_connectors"].append(copy.deepcopy(data["cloud_connectors"][0]) | {"name": "scc2"})


def wrong_location(data: dict[str, Any]) -> None:
    data["maco"]["email_servers"][0]["location_id"] = "WERK9"


def wrong_port(data: dict[str, Any]) -> None:
    data["maco"]["email_servers"][0]["address"] = "mail.stadtwerke.example:144"


def optional(data: dict[str, Any]) -> None:
    data["maco"]["email_connections"][0]["protection"] = "STARTTLS Optional"


def test_the_default_file_warns_of_nothing() -> None:
    assert warned(lambda _: None) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (second_connector, ["scc2", "location ID 'WERK1'", "(scc)", "409"]),
        (wrong_location, ["mail-starttls", "subaccount stadtwerke", "location ID 'WERK9'"]),
        (wrong_port, ["mail-starttls", "mail.stadtwerke.example:144", "location ID 'WERK1'"]),
        (optional, ["way-a", "STARTTLS Optional"]),
    ],
    ids=["shared_location_id", "location_id_nobody_has", "address_nobody_maps", "optional"],
)
def test_one_warning_names_it(change: Change, words: list[str]) -> None:
    (warning,) = warned(change)

    assert [word for word in words if word not in warning] == []


def test_virtual_hosts_compare_case_insensitively() -> None:
    def upper(data: dict[str, Any]) -> None:
        data["maco"]["email_servers"][0]["address"] = "MAIL.stadtwerke.example"

    assert warned(upper) == []


def _range(ports: str) -> Change:
    def change(data: dict[str, Any]) -> None:
        mapping = data["cloud_connectors"][0]["subaccounts"][0]["mappings"][0]
        mapping.update(virtual=f"mail.stadtwerke.example:{ports}", internal=f"mail.stadtwerke.example:{ports}")

    return change


def test_an_address_within_a_port_range_is_mapped() -> None:
    assert warned(_range("140-149")) == []


def test_an_address_beside_a_port_range_is_not_mapped() -> None:
    (warning,) = warned(_range("144-149"))

    assert "mail.stadtwerke.example:143" in warning
