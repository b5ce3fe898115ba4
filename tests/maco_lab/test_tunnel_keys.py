"""What the lab file says of tunnels and pairs reaches the settings of the parties."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connector_sim.cloud.settings import ConnectivitySettings
from connector_sim.cloud.tunnel_settings import TunnelCare
from connector_sim.on_premise.ha.settings import HaSettings
from connector_sim.on_premise.settings import ConnectorSettings
from connector_sim.on_premise.tunnel_settings import TunnelLife
from connector_sim.tunnel.keep_alive import KeepAlive
from maco_lab.ha_party import configured_address, ha_settings
from maco_lab.lab_file import LabFileError, default_text, parse_lab
from maco_lab.lab_model import LabModel
from maco_lab.parties import connectivity_settings, longest_drain_s, tunnel_session_settings
from maco_lab.testing.lab import lab_for_tests
from maco_wire.observation import Party, StreamRefused

KEYS = {
    "drain_s": 7.0,
    "ping_interval_s": 3.0,
    "ping_timeout_s": 2.0,
    "keep_alive_idle_s": 11,
    "keep_alive_interval_s": 12,
    "keep_alive_probes": 13,
}
KEEP_ALIVE = KeepAlive(11, 12, 13)
PAIR = "{check_interval_s: 1, takeover_delay_s: 2, connect_timeout_ms: 3, request_timeout_ms: 4, missed_checks: 5}"


def _text(*, cloud: str = "", connector: str = "") -> str:
    text = default_text().replace("cloud:\n", f"cloud:\n{cloud}", 1)
    return text.replace("  - name: scc\n", f"  - name: scc\n{connector}", 1)


def _model(*, cloud: str = "", connector: str = "") -> LabModel:
    return parse_lab(_text(cloud=cloud, connector=connector), name="lab.yaml", folder=Path()).model


def _keys(indent: str) -> str:
    return "".join(f"{indent}{name}: {value}\n" for name, value in KEYS.items())


def test_the_cloud_side_takes_its_keys() -> None:
    model = _model(cloud=_keys("  "))
    session = tunnel_session_settings(model.cloud)
    assert connectivity_settings(model, free_ports=True).tunnel == TunnelCare(7, KEEP_ALIVE)
    assert (session.ping_interval_s, session.ping_timeout_s) == (3, 2)


def test_a_cloud_connector_takes_its_keys() -> None:
    def change(lab: dict[str, Any]) -> None:
        lab["cloud_connectors"][0] |= KEYS | {"application_tunnel_connections": 2}

    with lab_for_tests(change) as lab:
        assert lab.running.connectors["scc"].settings.tunnel == TunnelLife(2, 7, KEEP_ALIVE)


CLOUD_TIMEOUTS = {
    "negotiation_timeout_s": ("negotiation_s", 1.5),
    "tunnel_handshake_timeout_s": ("tunnel_handshake_s", 2.5),
    "open_timeout_s": ("open_s", 3.5),
    "token_timeout_s": ("http_s", 4.5),
    "half_closed_timeout_s": ("half_closed_s", 5.5),
}
CONNECTOR_TIMEOUTS = {
    "connect_timeout_s": ("connect_s", 1.5),
    "tls_timeout_s": ("back_end_tls_s", 2.5),
    "tunnel_connect_timeout_s": ("tunnel_connect_s", 3.5),
    "tunnel_handshake_timeout_s": ("tunnel_handshake_s", 4.5),
    "open_request_timeout_s": ("open_request_s", 5.5),
    "half_closed_timeout_s": ("half_closed_s", 6.5),
    "max_reconnect_attempts": ("max_reconnect_attempts", 7),
    "first_reconnect_delay_s": ("first_reconnect_delay_s", 0.25),
    "longest_reconnect_delay_s": ("longest_reconnect_delay_s", 8.5),
}


def test_the_cloud_side_takes_its_time_outs() -> None:
    model = _model(cloud="".join(f"  {key}: {value}\n" for key, (_, value) in CLOUD_TIMEOUTS.items()))
    settings = connectivity_settings(model, free_ports=True)

    assert {name: getattr(settings, name) for name, _ in CLOUD_TIMEOUTS.values()} == dict(CLOUD_TIMEOUTS.values())


def test_a_cloud_connector_takes_its_time_outs_and_how_it_dials_again() -> None:
    def change(lab: dict[str, Any]) -> None:
        lab["cloud_connectors"][0] |= {key: value for key, (_, value) in CONNECTOR_TIMEOUTS.items()}

    with lab_for_tests(change) as lab:
        settings = lab.running.connectors["scc"].settings
        assert {name: getattr(settings, name) for name, _ in CONNECTOR_TIMEOUTS.values()} == dict(
            CONNECTOR_TIMEOUTS.values()
        )


def test_without_keys_the_settings_keep_their_own_values() -> None:
    model = _model()
    settings, plain = connectivity_settings(model, free_ports=True), ConnectivitySettings(frozenset(), ())
    with lab_for_tests() as lab:
        connector = lab.running.connectors["scc"].settings

    names = [name for name, _ in CLOUD_TIMEOUTS.values()]
    assert [getattr(settings, name) for name in names] == [getattr(plain, name) for name in names]
    plain_connector = ConnectorSettings("", "", "", ("", 1), ())
    names = [name for name, _ in CONNECTOR_TIMEOUTS.values()]
    assert [getattr(connector, name) for name in names] == [getattr(plain_connector, name) for name in names]


@pytest.mark.parametrize("value", ["0", "-1", "86401", "soon"])
@pytest.mark.parametrize("key", [*CLOUD_TIMEOUTS])
def test_a_time_out_of_the_cloud_side_is_more_than_nothing_and_at_most_a_day(key: str, value: str) -> None:
    with pytest.raises(LabFileError, match=key):
        _model(cloud=f"  {key}: {value}\n")


@pytest.mark.parametrize("value", ["0", "-1", "1000001", "soon"])
@pytest.mark.parametrize("key", [*CONNECTOR_TIMEOUTS])
def test_a_time_out_of_a_cloud_connector_is_more_than_nothing(key: str, value: str) -> None:
    with pytest.raises(LabFileError, match=key):
        _model(connector=f"    {key}: {value}\n")


def test_the_cloud_side_gives_up_when_its_own_time_is_over() -> None:
    def change(lab: dict[str, Any]) -> None:
        lab["cloud"]["open_timeout_s"] = 0.2
        lab["firewall"] = ["mail.stadtwerke.example:143"]

    with lab_for_tests(change) as lab:
        assert lab.maco.poll("way-a").socks_reply == 0x04
        refused = [each.reason for each in lab.journal.of(StreamRefused, Party.CONNECTIVITY)]

    assert refused == ["the Cloud Connector did not answer in time"]


def test_a_lab_takes_as_long_to_drain_as_its_slowest_party() -> None:
    assert longest_drain_s(_model()) == 5
    assert longest_drain_s(_model(connector="    drain_s: 9\n")) == 9
    assert longest_drain_s(_model(cloud="  drain_s: 8\n")) == 8


def test_a_pair_takes_its_keys() -> None:
    (connector,) = _model(connector=f"    high_availability: {PAIR}\n").cloud_connectors
    assert connector.high_availability is not None
    assert ha_settings(connector.high_availability) == HaSettings(1, 2, 3, 4, 5)


def test_a_pair_without_keys_takes_saps_values() -> None:
    # facts, section 2.5: "interval 30 s, takeover delay 10 s, connect timeout 1000 ms, request timeout 12000 ms"
    (connector,) = _model(connector="    high_availability: {}\n").cloud_connectors
    assert connector.high_availability is not None
    assert ha_settings(connector.high_availability) == HaSettings(30, 10, 1000, 12_000, 3)
    assert [configured_address(connector, "master")[1], configured_address(connector, "shadow")[1]] == [8444, 8445]
