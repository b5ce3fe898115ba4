"""The demo runs every leg, says why one failed, and its data is what is documented."""

from __future__ import annotations

import dataclasses
import functools
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from unittest import mock

import pytest
from rich.cells import cell_len
from rich.console import Console

from maco_lab.background import background_loop
from maco_lab.demo import Leg, NoSuchAct, legs_as_data, print_legs, run_demo
from maco_lab.matrix_story import matrix_table
from maco_lab.plain_story import INTRODUCTION
from maco_lab.sight import PATH, Session, Sight, sight_of
from maco_lab.story import MARGIN
from maco_lab.taps.matrix import PLACES
from maco_lab.testing.settings import Change, lab_text
from maco_wire.observation import Hop, Party
from tests.maco_lab.observed import Connection, entries, tunnel, way_a, way_b

ROOT = Path(__file__).parents[2]


class Demo(Protocol):
    def __call__(self, change: Change = ..., act: int | None = None) -> list[Leg]: ...


WAY_KEYS = {
    *("act", "wrong_store", "matrix", "taps"),
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
        "impostor",
        "refusals",
    ),
}
SESSION_KEYS = {
    *("kind", "client", "server", "succeeded", "agreed", "version", "cipher", "server_name", "presented"),
    *("verified_against", "name_checked", "error", "alert", "client_saw", "server_saw", "hops"),
}


def run_in(folder: Path, change: Change = lambda _: None, act: int | None = None) -> list[Leg]:
    """Run the demo on the default lab file after a change; everything temporary goes into ``folder``."""
    with mock.patch("tempfile.tempdir", str(folder)):
        return background_loop().run(run_demo(lab_text(change).parsed(), act))


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    return functools.partial(run_in, tmp_path)


@dataclass(frozen=True)
class Played:
    """The legs of a demo, and what it left in the folder for temporary files."""

    legs: list[Leg]
    left: list[Path]


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Return the demo of the default lab file."""
    folder = tmp_path_factory.mktemp("usual")
    return Played(run_in(folder), list(folder.iterdir()))


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> list[Leg]:
    """Return a demo whose first act fails."""
    return run_in(tmp_path_factory.mktemp("failing"), without_the_root_at_maco)


def without_the_root_at_maco(data: dict[str, Any]) -> None:
    data["maco"]["key_store"] = {"other": "cloud_root"}


def with_trust_all(data: dict[str, Any]) -> None:
    data["cloud_connectors"][0]["back_end_trust_store"] = {"trust_all_backends": True}


@pytest.mark.slow
def test_there_is_an_act_for_every_connection_in_the_order_of_the_file_and_one_of_the_wrong_store(
    usual: Played,
) -> None:
    legs = usual.legs

    assert [(leg.act, leg.connection, leg.address, leg.protection, bool(leg.wrong_store)) for leg in legs] == [
        (1, "way-a", "mail.stadtwerke.example:143", "STARTTLS Mandatory", False),
        (2, "way-b", "mailbox.virtual:993", "Off", False),
        (3, "way-a", "mail.stadtwerke.example:143", "STARTTLS Mandatory", True),
    ]
    assert [leg.failure for leg in legs] == ["", "", ""]


@pytest.mark.slow
def test_an_act_that_fails_says_why_and_the_others_go_on(failing: list[Leg]) -> None:
    way_a_leg, way_b_leg, _ = failing

    assert "PKIX path building failed" in way_a_leg.failure
    assert way_b_leg.failure == ""


@pytest.mark.parametrize(("act", "connection"), [(1, "way-a"), (2, "way-b"), (3, "way-a")])
def test_one_act_alone_can_be_played(demo: Demo, act: int, connection: str) -> None:
    assert [(leg.act, leg.connection, leg.failure) for leg in demo(act=act)] == [(act, connection, "")]


@pytest.mark.parametrize("act", [0, 4])
def test_an_act_that_is_not_there_is_named_with_those_that_are(demo: Demo, act: int) -> None:
    with pytest.raises(NoSuchAct, match=f"found --act {act}, allowed: 1 to 3"):
        demo(act=act)


def test_the_matrix_of_both_ways_differs_at_connectivity_connector_and_cloud_network(usual: Played) -> None:
    first, second, _ = usual.legs
    assert first.matrix is not None
    assert second.matrix is not None

    a, b = (matrix.row("mailbox password") for matrix in (first.matrix, second.matrix))
    differing = [place for place in PLACES if (a.at(place).state, b.at(place).state) == ("inside TLS", "in clear")]
    assert differing == [Hop.CLOUD_NETWORK, Party.CONNECTIVITY, Party.CLOUD_CONNECTOR]


def test_with_the_ca_in_the_wrong_store_both_ends_tell_what_they_saw_and_no_secret_passes(demo: Demo) -> None:
    (leg,) = demo(act=3)

    session = leg.sight.mail_session
    assert session is not None
    assert session.client_saw == "unable to get local issuer certificate; sent the alert unknown_ca"
    assert session.server_saw.endswith("received the alert unknown_ca")
    assert "PKIX path building failed" in leg.sight.error
    assert leg.matrix is not None
    assert {cell.state for cell in leg.matrix.row("mailbox password").cells} == {"not there"}


def test_the_ca_is_put_in_the_wrong_store_of_way_b_too(demo: Demo) -> None:
    def way_b_first(data: dict[str, Any]) -> None:
        data["maco"]["email_connections"].reverse()

    (leg,) = demo(way_b_first, act=3)

    assert (leg.connection, leg.sight.succeeded, leg.failure) == ("way-b", False, "")
    session = leg.sight.mail_session
    assert session is not None
    assert session.client is Party.CLOUD_CONNECTOR
    assert "received the alert unknown_ca" in session.server_saw


@pytest.mark.slow
def test_the_wrong_store_trusts_nobody_even_if_the_file_says_trust_all(demo: Demo) -> None:
    def way_b_alone(data: dict[str, Any]) -> None:
        with_trust_all(data)
        del data["maco"]["email_connections"][0]

    assert [leg.failure for leg in demo(way_b_alone)] == ["", ""]


def test_an_act_that_should_fail_and_does_not_is_a_failure() -> None:
    sight = seen(Connection("way", maco=1, lan=2, trace="t"))

    assert "although" in dataclasses.replace(leg(sight), wrong_store="elsewhere").failure


def test_nothing_is_left_behind(usual: Played) -> None:
    assert usual.left == []


def test_the_data_has_the_documented_keys_and_survives_json(usual: Played) -> None:
    data = legs_as_data(usual.legs)

    again = json.loads(json.dumps(data))
    assert again.keys() == {"v", "succeeded", "ways"}
    assert (again["v"], again["succeeded"]) == (1, True)
    for way in again["ways"]:
        assert way.keys() == WAY_KEYS
        assert all(session.keys() == SESSION_KEYS for session in way["sessions"])
        assert all(secret.keys() == {"name", "held_by"} for secret in way["secrets"])
        assert way["hops"].keys() == {"cloud network", "tunnel", "customer LAN"}
        assert [row["name"].partition(" of ")[0] for row in way["matrix"]] == [
            "mailbox password",
            "line in a mail",
            "token",
        ]
        for row in way["matrix"]:
            assert list(row["places"]) == [
                *("MaCo", "cloud network", "Connectivity service", "tunnel", "Cloud Connector", "customer LAN"),
                "Mail server",
            ]
            assert all(cell.keys() == {"state", "inside", "why"} for cell in row["places"].values())
        assert all(tap.keys() == {"hop", "marker", "passed", "missing", "counts"} for tap in way["taps"])


def test_the_data_says_where_tls_ended(usual: Played) -> None:
    first, second, _ = legs_as_data(usual.legs)["ways"]

    assert first["hops"]["customer LAN"] == first["hops"]["cloud network"] == ["IMAP STARTTLS"]
    assert second["hops"] == {
        "cloud network": [],
        "tunnel": ["tunnel"],
        "customer LAN": ["TCP TLS to the back end"],
    }


def test_the_data_and_the_text_hold_no_secret(usual: Played) -> None:
    legs = usual.legs
    out = io.StringIO()
    print_legs(Console(file=out, width=120), legs)

    for secret in ("Strom4711Postfach", "Gas0815Postfach", "lab-secret-of-maco", "eyJ"):
        assert secret not in json.dumps(legs_as_data(legs))
        assert secret not in out.getvalue()


def test_a_failure_is_in_the_data(failing: list[Leg]) -> None:
    data = legs_as_data(failing)

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


def printed(*legs: Leg, width: int = 80) -> str:
    out = io.StringIO()
    print_legs(Console(file=out, width=width), list(legs))
    return out.getvalue()


def test_ways_are_lettered_by_who_does_tls_in_whatever_order() -> None:
    maco_does = seen(Connection("way", maco=1, lan=2, trace="t"))
    connector_does = seen(Connection("way", maco=1, lan=2, trace="t", protocol="TCPS"), a=False)
    without = dataclasses.replace(maco_does, sessions=())
    text = printed(
        leg(connector_does), leg(maco_does), leg(without), dataclasses.replace(leg(maco_does), wrong_store="x")
    )

    titles = [line.partition(" ·")[0] for line in text.splitlines() if " · " in line]
    assert titles == ["Way B", "Way A", "Without TLS", "Way A again, with the root certificate in the wrong store"]


def test_the_demo_begins_with_who_takes_part_and_says_that_they_are_imitations() -> None:
    text = printed(leg(seen(Connection("way", maco=1, lan=2, trace="t"))))

    assert text.startswith("All of this runs on this machine: the systems are imitations, not SAP's.")


@pytest.mark.parametrize("width", [80, 160])
def test_introduction_acts_and_matrix_fit_the_terminal(usual: Played, width: int) -> None:
    lines = printed(*usual.legs, width=width).splitlines()

    assert len(lines) > 50
    assert [line for line in lines if cell_len(line) > width] == []


@pytest.mark.parametrize("width", [80, 160])
def test_no_word_of_the_introduction_is_broken(width: int) -> None:
    text = printed(leg(seen(Connection("way", maco=1, lan=2, trace="t"))), width=width)

    assert text.split()[: len(INTRODUCTION.split())] == INTRODUCTION.split()


@pytest.mark.parametrize("width", [80, 160])
def test_each_place_of_a_matrix_has_its_line_and_no_word_of_it_is_broken(usual: Played, width: int) -> None:
    for each in usual.legs:
        assert each.matrix is not None
        out = io.StringIO()
        Console(file=out, width=width - 2 * MARGIN).print(matrix_table(each.matrix))
        table = out.getvalue()
        ends = {
            word for row in each.matrix.rows for cell in row.cells for end in cell.inside for word in str(end).split()
        }

        begun = [line[:22].strip() for line in table.splitlines()[1:]]
        assert [name for name in begun if name] == [
            str(place) if place in PATH else f"wire: {place}" for place in PLACES
        ]
        assert ends <= set(table.replace(",", " ").split())


def test_the_readme_shows_what_the_demo_prints_at_80_columns(usual: Played) -> None:
    without_notes = [
        dataclasses.replace(each, matrix=dataclasses.replace(each.matrix, controls=()) if each.matrix else None)
        for each in usual.legs
    ]
    lines = [line.rstrip() for line in printed(*without_notes).splitlines()]

    assert "\n".join(lines).strip() in (ROOT / "README.md").read_text(encoding="utf-8")


def test_without_an_act_there_is_nothing_to_introduce() -> None:
    assert printed() == ""
