"""The one table: every system with its address, protocol, certificate and whom it trusts."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from maco_lab.landscape_table import landscape_table
from maco_lab.testing.lab import Lab


def printed(maco_lab: Lab, *, width: int = 120) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, highlight=False).print(landscape_table(maco_lab.running))
    return out.getvalue().splitlines()


def row(lines: list[str], begin: str) -> list[str]:
    """Return the cells of the one row that begins so."""
    (found,) = [line for line in lines if line.strip().startswith(begin)]
    return [cell.strip() for cell in found.split("  ") if cell.strip()]


def test_every_listener_is_there_with_its_real_port(maco_lab: Lab) -> None:
    text = "\n".join(printed(maco_lab))

    assert len(maco_lab.addresses) == 8
    for host, port in maco_lab.addresses.values():
        assert f"{host}:{port}" in text


def test_the_systems_stand_in_the_order_of_the_path(maco_lab: Lab) -> None:
    systems = [line.strip() for line in printed(maco_lab) if line[:1] not in {" ", "S"}]

    assert systems == ["MaCo", "Connectivity service", "Cloud Connector scc", "Mail server"]


def test_both_trust_stores_are_shown(maco_lab: Lab) -> None:
    lines = printed(maco_lab)

    assert row(lines, "dials the proxy")[-1] == "key store: root"
    assert row(lines, "dials back ends")[1:] == ["4 system mappings", "system certificate", "back ends: root"]


def test_the_location_id_is_shown(maco_lab: Lab) -> None:
    assert row(printed(maco_lab), "dials out as WERK1")[1] == "tunnel stadtwerke"


def empty(data: dict[str, Any]) -> None:
    data["maco"]["key_store"] = {}
    data["cloud_connectors"][0]["back_end_trust_store"] = {"trust_all_backends": True}


@pytest.mark.maco_lab(change=empty)
def test_empty_stores_trust_nobody_and_the_switch_trusts_all(maco_lab: Lab) -> None:
    lines = printed(maco_lab)

    assert row(lines, "dials the proxy")[-1] == "key store: nobody"
    assert row(lines, "dials back ends")[-1] == "back ends: all"


def rename(data: dict[str, Any]) -> None:
    data["cloud_connectors"][0]["name"] = "scc [/x] :smile:"
    data["cloud_connectors"][0]["subaccounts"][0]["location_id"] = "[bold]"


@pytest.mark.maco_lab(change=rename)
def test_names_of_the_user_are_no_mark_up(maco_lab: Lab) -> None:
    lines = printed(maco_lab)

    assert "Cloud Connector scc [/x] :smile:" in [line.strip() for line in lines]
    assert row(lines, "dials out as [bold]")


def old(data: dict[str, Any]) -> None:
    data["mail_server"]["offer_starttls"] = False


@pytest.mark.maco_lab(change=old)
def test_a_mail_server_that_does_not_offer_starttls_is_told(maco_lab: Lab) -> None:
    assert any("IMAP, STARTTLS (not offered)" in line for line in printed(maco_lab))


@pytest.mark.parametrize("width", [40, 80, 160])
def test_no_line_is_longer_than_the_terminal(maco_lab: Lab, width: int) -> None:
    assert max(cell_len(line) for line in printed(maco_lab, width=width)) <= width
