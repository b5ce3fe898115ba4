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


def _time_outs(connect_s: float, tls_s: float, open_s: float, protocols: str = "TCP TCPS") -> Change:
    def change(data: dict[str, Any]) -> None:
        (connector,) = data["cloud_connectors"]
        connector |= {"connect_timeout_s": connect_s, "tls_timeout_s": tls_s}
        data["cloud"]["open_timeout_s"] = open_s
        for mapping in connector["subaccounts"][0]["mappings"]:
            mapping["protocol"] = mapping["protocol"] if mapping["protocol"] in protocols.split() else "TCP"

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_time_outs(20, 20, 25), ["scc", "connect_timeout_s and tls_timeout_s together", "40 s", "25 s", "0x04"]),
        (_time_outs(30, 1, 25, "TCP"), ["scc: connect_timeout_s: 30 s", "25 s", "open_timeout_s"]),
    ],
    ids=["both", "connecting_alone"],
)
def test_a_cloud_side_that_gives_up_before_a_connector_may_is_told(change: Change, words: list[str]) -> None:
    (warning,) = (each for each in warned(change) if "open_timeout_s" in each)

    assert [word for word in words if word not in warning] == []


@pytest.mark.parametrize("change", [_time_outs(12, 13, 25), _time_outs(20, 20, 25, "TCP"), _time_outs(20, 20, 40)])
def test_a_cloud_side_that_waits_long_enough_is_not_told(change: Change) -> None:
    assert [each for each in warned(change) if "open_timeout_s" in each] == []


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
