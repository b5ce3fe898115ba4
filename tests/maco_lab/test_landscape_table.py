"""The one table: every system with its address, protocol, certificate and whom it trusts."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from maco_lab.landscape_table import landscape_table
from tests.conftest import StartLab
from tests.lab_under_test import LabUnderTest


def printed(lab: LabUnderTest, *, width: int = 120) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, highlight=False).print(landscape_table(lab.lab))
    return out.getvalue().splitlines()


def row(lines: list[str], begin: str) -> list[str]:
    """Return the cells of the one row that begins so."""
    (found,) = [line for line in lines if line.strip().startswith(begin)]
    return [cell.strip() for cell in found.split("  ") if cell.strip()]


def test_every_listener_is_there_with_its_real_port(lab: LabUnderTest) -> None:
    text = "\n".join(printed(lab))

    assert len(lab.lab.addresses) == 8
    for host, port in lab.lab.addresses.values():
        assert f"{host}:{port}" in text


def test_the_systems_stand_in_the_order_of_the_path(lab: LabUnderTest) -> None:
    systems = [line.strip() for line in printed(lab) if line[:1] not in {" ", "S"}]

    assert systems == ["MaCo", "Connectivity service", "Cloud Connector scc", "Mail server"]


def test_both_trust_stores_are_shown(lab: LabUnderTest) -> None:
    lines = printed(lab)

    assert row(lines, "dials the proxy")[-1] == "key store: root"
    assert row(lines, "dials back ends")[1:] == ["4 system mappings", "system certificate", "back ends: root"]


def test_the_location_id_is_shown(lab: LabUnderTest) -> None:
    assert row(printed(lab), "dials out as WERK1")[1] == "tunnel stadtwerke"


def test_empty_stores_trust_nobody_and_the_switch_trusts_all(start_lab: StartLab) -> None:
    def empty(data: dict[str, Any]) -> None:
        data["maco"]["key_store"] = {}
        data["cloud_connectors"][0]["back_end_trust_store"] = {"trust_all_backends": True}

    lines = printed(start_lab(empty, seed=False))

    assert row(lines, "dials the proxy")[-1] == "key store: nobody"
    assert row(lines, "dials back ends")[-1] == "back ends: all"


def test_names_of_the_user_are_no_mark_up(start_lab: StartLab) -> None:
    def rename(data: dict[str, Any]) -> None:
        data["cloud_connectors"][0]["name"] = "scc [/x] :smile:"
        data["cloud_connectors"][0]["subaccounts"][0]["location_id"] = "[bold]"

    lines = printed(start_lab(rename, seed=False))

    assert "Cloud Connector scc [/x] :smile:" in [line.strip() for line in lines]
    assert row(lines, "dials out as [bold]")


def test_a_mail_server_that_does_not_offer_starttls_is_told(start_lab: StartLab) -> None:
    def old(data: dict[str, Any]) -> None:
        data["mail_server"]["offer_starttls"] = False

    assert any("IMAP, STARTTLS (not offered)" in line for line in printed(start_lab(old, seed=False)))


@pytest.mark.parametrize("width", [40, 80, 160])
def test_no_line_is_longer_than_the_terminal(lab: LabUnderTest, width: int) -> None:
    assert max(cell_len(line) for line in printed(lab, width=width)) <= width
