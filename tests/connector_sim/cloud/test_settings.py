from __future__ import annotations

from typing import Any

import pytest

from connector_sim.cloud.settings import OauthClient
from connector_sim.exceptions import SettingsError
from tests.connector_sim.landscape import CLIENT, SECRET, SUBACCOUNT, cloud_settings


def test_a_clients_secret_is_in_no_repr() -> None:
    assert SECRET not in repr(cloud_settings())


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"socks5_port": 65_536}, "socks5_port"),
        ({"token_port": -1}, "token_port"),
        ({"open_s": 0}, "open_s"),
        ({"max_connections": 0}, "max_connections"),
        ({"max_connections_per_client": 0}, "max_connections_per_client"),
        ({"clients": (OauthClient("stranger", "x", "nowhere"),)}, "clients"),
        ({"clients": (CLIENT, CLIENT)}, "clients"),
        ({"clients": (OauthClient("", "x", SUBACCOUNT),)}, "clients"),
    ],
)
def test_a_wrong_setting_is_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(SettingsError) as caught:
        cloud_settings(**change)
    assert caught.value.field == field
