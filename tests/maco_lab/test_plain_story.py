"""The answers in plain words: drawn from the matrix if there is one, and never more than is known."""

from __future__ import annotations

import dataclasses

import pytest

from maco_lab.plain_story import INTRODUCTION, answers, does_tls
from maco_lab.sight import Sight, sight_of
from maco_lab.taps.matrix import PLACES, Cell, Matrix, Row, State
from maco_wire.observation import Hop, Observation, Party, TlsSession
from tests.maco_lab.observed import Connection, entries, plain, tunnel, way_a, way_b

A = Connection("way", maco=50001, lan=60001, trace="t1")
B = Connection("way", maco=50001, lan=60001, trace="t1", protocol="TCPS")
FAILING_A: list[Observation] = [
    *A.opened(),
    A.by_maco(error="unknown"),
    A.by_mail_server(TlsSession.IMAP_STARTTLS, error="alert", alert="unknown_ca"),
    *A.finished(stage="starttls", error="unknown"),
]
REFUSED: list[Observation] = [*A.refused("no mapping"), *A.finished(stage="socks", error="SOCKS reply 0x02")]
SYSTEMS = [place for place in PLACES if isinstance(place, Party)]


def sight(seen: list[Observation]) -> Sight:
    found = sight_of(entries(tunnel(), seen), "way")
    assert found is not None
    return found


def row(secret: str, *in_clear: Party | Hop, elsewhere: State = "inside TLS") -> Row:
    return Row(secret, tuple(Cell("in clear" if place in in_clear else elsewhere) for place in PLACES))


def matrix(*clear: Party | Hop, elsewhere: State = "inside TLS") -> Matrix:
    """Return a matrix in which password and mail were in clear at these places, and the token where it always is."""
    token = row("token of maco", Party.MACO, Hop.CLOUD_NETWORK, Party.CONNECTIVITY, elsewhere="not there")
    secrets = ("mailbox password of a", "line in a mail of a")
    return Matrix((*(row(each, *clear, elsewhere=elsewhere) for each in secrets), token), ())


def told(seen: list[Observation], taps: Matrix | None = None) -> dict[str, str]:
    """Return the answers by their questions."""
    lines = [text.plain.partition(": ") for text in answers(sight(seen), taps)]
    return {question: answer for question, _, answer in lines}


def test_way_a_is_read_by_its_two_ends_and_the_taps_get_the_token_alone() -> None:
    assert told(way_a(A), matrix(Party.MACO, Party.MAIL_SERVER)) == {
        "Who could read the mailbox password": "MaCo and Mail server",
        "Who could not": "Connectivity service, Cloud Connector and whoever taps a network",
        "What a tap on the cloud network could read": "only the token",
        "What a tap on the tunnel could read": "neither password, mail nor token",
        "What a tap on the customer LAN could read": "neither password, mail nor token",
        "The root certificate belongs in": "MaCo's key store",
    }


def test_way_b_is_read_by_every_system_and_on_the_cloud_network() -> None:
    assert told(way_b(B), matrix(*SYSTEMS, Hop.CLOUD_NETWORK)) == {
        "Who could read the mailbox password": (
            "MaCo, Connectivity service, Cloud Connector, Mail server and whoever taps the cloud network"
        ),
        "Who could not": "whoever taps the tunnel or the customer LAN",
        "What a tap on the cloud network could read": "password, mail and token",
        "What a tap on the tunnel could read": "neither password, mail nor token",
        "What a tap on the customer LAN could read": "neither password, mail nor token",
        "The root certificate belongs in": "the Cloud Connector's back-end trust store",
    }


def test_what_was_never_sent_nobody_could_read() -> None:
    found = told(FAILING_A, matrix(elsewhere="not there"))

    assert found["Who could read the mailbox password"] == "nobody: it was never sent"
    assert found["The root certificate belongs in"] == "MaCo's key store"
    assert "Who could not" not in found


def test_what_is_not_known_is_told_as_such() -> None:
    found = told(way_a(A), matrix(Party.MACO, elsewhere="unknown"))

    assert found["Of whom it is not known"] == "Connectivity service, Cloud Connector and Mail server"
    assert found["What a tap on the tunnel could read"] == "not known: password and mail"
    assert found["What a tap on the cloud network could read"] == "token; not known: password and mail"


def test_without_taps_the_systems_reports_answer() -> None:
    found = told(way_a(A))

    assert found["Who could read the mailbox password"] == "MaCo and Mail server"
    assert not [question for question in found if "tap" in question]


@pytest.mark.parametrize(
    ("seen", "root"),
    [
        (plain(A), "nowhere: without TLS nobody asks who the mail server is"),
        (REFUSED, "no TLS was tried, so no store was asked"),
    ],
)
def test_without_tls_no_store_is_asked(seen: list[Observation], root: str) -> None:
    assert told(seen)["The root certificate belongs in"] == root


def test_a_connector_that_trusts_all_needs_no_root() -> None:
    found = sight(way_b(B))
    trusting = dataclasses.replace(
        found, sessions=tuple(dataclasses.replace(each, verified_against="") for each in found.sessions)
    )

    last = answers(trusting, None)[-1].plain
    assert last.endswith("nowhere: Cloud Connector trusts whoever answers, an impostor too")


@pytest.mark.parametrize(
    ("seen", "party"),
    [(way_a(A), Party.MACO), (way_b(B), Party.CLOUD_CONNECTOR), (FAILING_A, Party.MACO), (plain(A), None)],
)
def test_who_does_tls_is_told_by_what_was_seen(seen: list[Observation], party: Party | None) -> None:
    assert does_tls(sight(seen)) is party


@pytest.mark.parametrize(
    "term", [*SYSTEMS[:-1], "mail server", "tunnel", "token", "mapping", "virtual host", "location ID"]
)
def test_the_introduction_explains(term: str) -> None:
    assert term in INTRODUCTION
