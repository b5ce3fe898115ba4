"""The demo runs every leg, says why one failed, and its data is what is documented."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from maco_lab.background import background_loop
from maco_lab.demo import Leg, legs_as_data, print_legs, run_demo
from maco_lab.sight import Session, Sight, sight_of
from maco_lab.testing.settings import lab_text
from tests.maco_lab.observed import Connection, entries, tunnel, way_a, way_b

Demo = Callable[..., list[Leg]]

WAY_KEYS = {
    *("connection", "protection", "address", "failure", "succeeded", "stage", "stored", "error", "hint"),
    *(
        "connector",
        "virtual",
        "internal",
        "protocol",
        "sessions",
        "hops",
        "secrets",
        "client_hello_seen_by",
        "refusals",
    ),
}
SESSION_KEYS = {
    *("kind", "client", "server", "succeeded", "agreed", "version", "cipher", "server_name", "presented"),
    *("verified_against", "name_checked", "error", "alert"),
}


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Demo:
    """Run the demo on the default lab file after a change; everything temporary goes into ``tmp_path``."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def run(change: Callable[[dict[str, Any]], None] = lambda _: None) -> list[Leg]:
        return background_loop().run(run_demo(lab_text(change).parsed()))

    return run


def without_the_root_at_maco(data: dict[str, Any]) -> None:
    data["maco"]["key_store"] = {"other": "cloud_root"}


def test_there_is_a_leg_for_every_connection_in_the_order_of_the_file(demo: Demo) -> None:
    legs = demo()

    assert [(leg.connection, leg.address, leg.protection) for leg in legs] == [
        ("way-a", "mail.stadtwerke.example:143", "STARTTLS Mandatory"),
        ("way-b", "mailbox.virtual:993", "Off"),
    ]
    assert [leg.failure for leg in legs] == ["", ""]


def test_a_leg_that_fails_says_why_and_the_other_one_goes_on(demo: Demo) -> None:
    way_a_leg, way_b_leg = demo(without_the_root_at_maco)

    assert "PKIX path building failed" in way_a_leg.failure
    assert way_b_leg.failure == ""


def test_nothing_is_left_behind(demo: Demo, tmp_path: Path) -> None:
    demo()

    assert list(tmp_path.iterdir()) == []


def test_the_data_has_the_documented_keys_and_survives_json(demo: Demo) -> None:
    data = legs_as_data(demo())

    again = json.loads(json.dumps(data))
    assert again.keys() == {"v", "succeeded", "ways"}
    assert (again["v"], again["succeeded"]) == (1, True)
    for way in again["ways"]:
        assert way.keys() == WAY_KEYS
        assert all(session.keys() == SESSION_KEYS for session in way["sessions"])
        assert all(secret.keys() == {"name", "held_by"} for secret in way["secrets"])
        assert way["hops"].keys() == {"cloud network", "tunnel", "customer LAN"}


def test_the_data_says_where_tls_ended(demo: Demo) -> None:
    first, second = legs_as_data(demo())["ways"]

    assert first["hops"]["customer LAN"] == first["hops"]["cloud network"] == ["IMAP STARTTLS"]
    assert second["hops"] == {
        "cloud network": [],
        "tunnel": ["tunnel"],
        "customer LAN": ["TCP TLS to the back end"],
    }


def test_the_data_and_the_text_hold_no_secret(demo: Demo) -> None:
    legs = demo()
    out = io.StringIO()
    print_legs(Console(file=out, width=120), legs)

    for secret in ("Strom4711Postfach", "Gas0815Postfach", "lab-secret-of-maco", "eyJ"):
        assert secret not in json.dumps(legs_as_data(legs))
        assert secret not in out.getvalue()


def test_a_failure_is_in_the_data(demo: Demo) -> None:
    data = legs_as_data(demo(without_the_root_at_maco))

    assert data["succeeded"] is False
    assert "PKIX" in data["ways"][0]["failure"]
    assert data["ways"][1]["failure"] == ""


def seen(connection: Connection, *, a: bool = True) -> Sight:
    sight = sight_of(entries(tunnel(), way_a(connection) if a else way_b(connection)), connection.name)
    assert sight is not None
    return sight


def leg(sight: Sight) -> Leg:
    return Leg("way", "Off", "virtual:143", sight)


def test_a_leg_fails_when_the_poll_found_no_mail() -> None:
    sight = seen(Connection("way", maco=1, lan=2, trace="t"))

    assert leg(sight).failure == ""
    assert leg(dataclasses.replace(sight, stored=0)).failure == "the poll found no mail, though one had been delivered"


def test_a_leg_fails_when_the_two_ends_of_its_tls_session_differ() -> None:
    sight = seen(Connection("way", maco=1, lan=2, trace="t"))
    disagreeing: tuple[Session, ...] = tuple(dataclasses.replace(each, agreed=False) for each in sight.sessions)

    assert leg(dataclasses.replace(sight, sessions=disagreeing)).failure.startswith("the two ends of the TLS session")


def test_ways_are_lettered_in_order() -> None:
    out = io.StringIO()

    print_legs(Console(file=out, width=80), [leg(seen(Connection("way", maco=1, lan=2, trace="t")))] * 2)

    assert "Way A · way: virtual:143" in out.getvalue()
    assert "Way B · way: virtual:143" in out.getvalue()
