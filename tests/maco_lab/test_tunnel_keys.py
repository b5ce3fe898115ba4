"""What the lab file says of tunnels and pairs reaches the settings of the parties."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from connector_sim.cloud.tunnel_settings import TunnelCare
from connector_sim.on_premise.ha.settings import HaSettings
from connector_sim.on_premise.tunnel_settings import TunnelLife
from connector_sim.tunnel.keep_alive import KeepAlive
from maco_lab.ha_party import configured_address, ha_settings
from maco_lab.lab_file import default_text, parse_lab
from maco_lab.lab_model import LabModel
from maco_lab.parties import connectivity_settings, longest_drain_s, tunnel_session_settings
from maco_lab.testing.lab import lab_for_tests

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
