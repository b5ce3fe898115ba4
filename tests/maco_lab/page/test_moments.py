"""Two wires of one poll side by side, in a tapped lab; and what stands beside what."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from maco_client.settings import Credential
from maco_lab.background import background_loop
from maco_lab.page.eavesdropping import mask_of
from maco_lab.page.moments import MAX_BESIDE, NO_STREAM, NO_TAP_SAW, _paired
from maco_lab.page.serving import PageSocket
from maco_lab.page.wire_pieces import IN_CLEAR, Piece
from maco_lab.testing.lab import Lab
from maco_lab.topology import RunningLab
from tests.maco_lab.page.client import PageClient
from tests.maco_lab.taps.tapped_labs import poll, tapped_lab

TUNNEL = "Cloud Connector with Connectivity service"
SECRETS = ["Strom4711Postfach", "Gas0815Postfach", "lab-secret-of-maco", "eyJ"]


@contextlib.contextmanager
def served(lab: RunningLab) -> Iterator[PageClient]:
    taken = PageSocket(0)
    with background_loop().enter(taken.served_now(lab)):
        yield PageClient(taken.address)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with tapped_lab(tmp_path_factory.mktemp("tapped")) as running:
        for name in ("way-a", "way-b"):
            assert poll(running, name).stored == 1
        yield running


@pytest.fixture(scope="module")
def page(lab: RunningLab) -> Iterator[PageClient]:
    with served(lab) as client:
        yield client


def hop(page: PageClient, way: str, number: int, limit: int = 100) -> dict[str, Any]:
    answer = page.get(f"/api/sights/{way}/hop?hop={number}&limit={limit}")
    assert answer.status == 200
    data: dict[str, Any] = answer.data
    return data


def pieces(seen: dict[str, Any], side: str) -> list[dict[str, Any]]:
    return [piece for moment in seen["shown"] for piece in moment[side]]


def clear_text(seen: dict[str, Any], side: str = "here") -> str:
    return "".join(each["text"] for each in pieces(seen, side) if each["kind"] == IN_CLEAR)


@pytest.mark.slow
def test_way_a_is_tls_of_maco_on_the_cloud_network_and_of_the_tunnel_beside_it(page: PageClient) -> None:
    seen = hop(page, "way-a", 1)

    assert [each["hop"] for each in seen["hops"]] == ["cloud network", "tunnel"]
    assert {each["session"] for each in pieces(seen, "here")} == {"", "MaCo with Mail server"}
    assert {each["session"] for each in pieces(seen, "beside")} == {TUNNEL}
    assert "LOGIN " not in clear_text(seen)
    assert "STARTTLS" in clear_text(seen)


def test_way_b_is_readable_on_the_cloud_network_and_tls_on_the_customers_lan(page: PageClient) -> None:
    first, last = hop(page, "way-b", 1), hop(page, "way-b", 3)

    user = base64.b64encode(b"\0gas@stadtwerke.example\0").decode()[:28]
    assert f"AUTHENTICATE PLAIN..+ ..{user}" in clear_text(first)
    assert "•" * 20 in clear_text(first)
    assert "UNA:+.? 'UNB" in clear_text(first) or "MSCONS_TL_" in clear_text(first)
    assert {each["session"] for each in pieces(last, "here")} == {"Cloud Connector with Mail server"}
    assert pieces(last, "beside") == []


@pytest.mark.parametrize("way", ["way-a", "way-b"])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_no_secret_is_in_what_is_shown(lab: RunningLab, page: PageClient, way: str, number: int) -> None:
    seen = hop(page, way, number)
    told = json.dumps(seen, ensure_ascii=False)
    in_hex = "".join(each["hex"] for each in pieces(seen, "here"))

    assert len(in_hex) > 500
    for secret in (*SECRETS, *(account.mail_line.value for account in lab.canaries)):
        assert secret not in told
        assert secret.encode().hex() not in in_hex


def test_what_goes_to_the_mail_server_stands_beside_what_came_later_and_the_other_way_round(page: PageClient) -> None:
    moments = [each for each in hop(page, "way-b", 1)["shown"] if each["here"] and each["beside"]]

    assert {moment["here"][0]["to_mail_server"] for moment in moments} == {True, False}
    for moment in moments:
        (here,) = moment["here"]
        for beside in moment["beside"]:
            assert beside["to_mail_server"] == here["to_mail_server"]
            assert (beside["at"] >= here["at"]) is here["to_mail_server"] or beside["at"] == here["at"]


def test_moments_come_in_pages(page: PageClient) -> None:
    whole = hop(page, "way-a", 1)
    parts = [page.get(f"/api/sights/way-a/hop?offset={at}&limit=5").data for at in range(0, whole["moments"], 5)]

    assert [moment for part in parts for moment in part["shown"]] == whole["shown"]
    assert {part["moments"] for part in parts} == {len(whole["shown"])}


def test_a_poll_that_was_refused_shows_how_far_it_came_and_says_why_there_is_no_more(page: PageClient) -> None:
    page.post("/api/scenarios/no-mapping/on", {})
    page.post("/api/poll", {"connections": ["way-a"]})
    first, last = hop(page, "way-a", 1), hop(page, "way-a", 3)
    page.post("/api/scenarios/no-mapping/off", {})
    page.post("/api/poll", {"connections": ["way-a"]})

    assert pieces(first, "here")[-1]["hex"].startswith("0502"), "SOCKS5: not allowed by ruleset (RFC 1928, section 6)"
    assert [each["note"] for each in first["hops"]] == ["", NO_STREAM]
    assert (last["hops"][0]["note"], last["shown"]) == (NO_TAP_SAW, [])


@pytest.mark.parametrize(("path", "status"), [("way-c/hop", 404), ("way-a/hop?hop=0", 400), ("way-a/hop?hop=4", 400)])
def test_a_hop_that_is_not_there_is_refused(page: PageClient, path: str, status: int) -> None:
    assert page.get(f"/api/sights/{path}").status == status


def test_a_lab_without_taps_says_how_to_turn_them_on(tmp_path: Path) -> None:
    with tapped_lab(tmp_path, tapped=False) as running, served(running) as page:
        poll(running, "way-a")
        seen = hop(page, "way-a", 1)

    assert (seen["tapped"], seen["shown"]) == (False, [])
    assert "maco-lab up --tap" in seen["why"]


def piece(at: float, *, to_mail_server: bool = True) -> Piece:
    return Piece(at, to_mail_server, IN_CLEAR, "", 0, 1, b"x")


def test_pieces_stand_beside_those_of_their_own_direction() -> None:
    here = [piece(1.0), piece(2.0, to_mail_server=False), piece(3.0)]
    beside = [piece(1.1), piece(1.9, to_mail_server=False), piece(3.5)]

    assert [(each.here, each.beside) for each in _paired(here, beside)] == [
        ([one], [other]) for one, other in zip(here, beside, strict=True)
    ]


def test_a_piece_that_nothing_came_before_stands_alone() -> None:
    early, late = piece(0.5), piece(5.0, to_mail_server=False)

    assert [each.beside for each in _paired([piece(1.0)], [early, late])] == [[early], [], [late]]


def test_no_piece_has_more_beside_it_than_an_answer_holds() -> None:
    beside = [piece(1.0 + number / 100) for number in range(MAX_BESIDE + 2)]

    assert [len(each.beside) for each in _paired([piece(1.0)], beside)] == [MAX_BESIDE, 1, 1]


def test_a_secret_that_maco_was_given_at_run_time_is_hidden_too(maco_lab: Lab) -> None:
    token = Credential("new", "user", access_token="token-of-run-time")

    assert mask_of(maco_lab.running).hidden(b"token-of-run-time") == []
    maco_lab.thread.run(maco_lab.running.tenant.change(lambda now: now.with_credential(token)))
    assert mask_of(maco_lab.running).hidden(b"token-of-run-time") == [range(17)]
