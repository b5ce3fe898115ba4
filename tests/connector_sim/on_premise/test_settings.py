from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from connector_sim.on_premise.settings import SettingsError, SubaccountSettings
from tests.connector_sim.landscape import TCP, connector_settings


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"virtual_host": ""}, "virtualHost"),
        ({"virtual_host": "a b"}, "virtualHost"),
        ({"virtual_host": "a\nb"}, "virtualHost"),
        ({"virtual_host": "m\u00fcller.example"}, "virtualHost"),
        ({"internal_host": "x" * 256}, "localHost"),
        ({"virtual_port": 0}, "virtualPort"),
        ({"internal_port": 65_536}, "localPort"),
    ],
)
def test_a_wrong_value_of_a_mapping_is_named_as_in_the_rest_api(change: dict[str, Any], field: str) -> None:
    with pytest.raises(SettingsError) as caught:
        dataclasses.replace(TCP, **change)
    assert caught.value.field == field


def test_a_virtual_system_may_be_mapped_once_only_whatever_its_case() -> None:
    upper = dataclasses.replace(TCP, virtual_host=TCP.virtual_host.upper())
    with pytest.raises(SettingsError, match="mapped twice"):
        SubaccountSettings("stadtwerke", mappings=(TCP, upper))


@pytest.mark.parametrize("location_id", ["x" * 190, "\u00e4" * 95, "a\tb"])
def test_a_location_id_that_socks5_cannot_carry_is_refused(location_id: str) -> None:
    # facts, section 1.1: "Largest raw location ID that fits the length byte: 189 bytes"
    with pytest.raises(SettingsError) as caught:
        SubaccountSettings("stadtwerke", location_id)
    assert caught.value.field == "locationID"


def test_the_longest_location_id_is_taken() -> None:
    assert SubaccountSettings("stadtwerke", "x" * 189).location_id == "x" * 189


def test_a_subaccount_needs_an_id() -> None:
    with pytest.raises(SettingsError):
        SubaccountSettings("")


def test_a_connector_has_one_tunnel_for_each_subaccount() -> None:
    twice = (SubaccountSettings("stadtwerke", "A"), SubaccountSettings("stadtwerke", "B"))
    with pytest.raises(SettingsError, match="stadtwerke"):
        connector_settings(("127.0.0.1", 1), *twice)


def test_a_connector_serves_one_connection_at_least() -> None:
    with pytest.raises(SettingsError) as caught:
        connector_settings(("127.0.0.1", 1), max_connections=0)
    assert caught.value.field == "max_connections"
