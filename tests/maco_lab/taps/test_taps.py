"""A lab with taps is the same lab: same results, same journal; and the taps have seen what passed on each hop."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from maco_client.results import PollResult
from maco_lab.sight import Sight
from maco_lab.taps.chunk import HOPS
from maco_wire.observation import Handshake, Party, StreamOpened
from tests.maco_lab.taps.tapped_labs import poll, seen, sight, tapped_lab


def back_end_down(data: dict[str, Any]) -> None:
    data["hosts"]["mail.stadtwerke.example:143"] = "127.0.0.1:9"  # discard: nobody listens there


@pytest.mark.slow
def test_the_sight_of_a_poll_is_the_same_with_taps_and_without(tmp_path: Path) -> None:
    sights: list[list[Sight]] = []
    for tapped in (True, False):
        with tapped_lab(tmp_path / str(tapped), tapped=tapped) as lab:
            for name in ("way-a", "way-b"):
                assert poll(lab, name).stored == 1
            sights.append([sight(lab, name) for name in ("way-a", "way-b")])

    with_taps, without = sights
    assert with_taps == without
    assert all(each.mail_session and each.mail_session.agreed for each in with_taps)


def test_there_is_a_connection_on_each_hop_and_nobody_names_a_tap(tmp_path: Path) -> None:
    with tapped_lab(tmp_path) as lab:
        poll(lab, "way-a")
        assert lab.taps is not None
        connections = lab.taps.connections()
        ours = {end for each in connections for end in (each.client, each.server)}

        assert {each.hop for each in connections} == set(HOPS)
        named = [
            address
            for each in lab.journal.of(Handshake) + lab.journal.of(StreamOpened)
            for address in (each.local, each.peer)
            if address
        ]
        assert named
        assert set(named) <= ours
        assert {lab.addresses[name] for name in ("socks5", "tunnel", "imap")} <= ours


def test_the_back_end_is_reported_under_its_own_address(tmp_path: Path) -> None:
    with tapped_lab(tmp_path) as lab:
        poll(lab, "way-a")

        (opened,) = (each for each in lab.journal.of(StreamOpened) if each.party is Party.CLOUD_CONNECTOR)
        assert opened.back_end is not None
        assert opened.back_end[1] == lab.addresses["imap"]


def test_each_tap_sees_what_is_in_clear_there(tmp_path: Path) -> None:
    with tapped_lab(tmp_path) as lab:
        poll(lab, "way-b")
        password = base64.b64encode(b"\0gas@stadtwerke.example\0Gas0815Postfach")  # RFC 4616

        assert seen(lab, "cloud network", from_client=True).startswith(b"\x05\x01\x80"), "SOCKS5, method 0x80"
        assert password in seen(lab, "cloud network", from_client=True)
        for hop in ("tunnel", "customer LAN"):
            assert seen(lab, hop, from_client=True).startswith(b"\x16\x03"), "a ClientHello"
            assert password not in seen(lab, hop, from_client=True) + seen(lab, hop, from_client=False)


def test_a_back_end_that_is_down_is_met_as_without_a_tap(tmp_path: Path) -> None:
    results: list[PollResult] = []
    refusals: list[tuple[str, ...]] = []
    for tapped in (True, False):
        with tapped_lab(tmp_path / str(tapped), back_end_down, tapped=tapped) as lab:
            results.append(poll(lab, "way-a"))
            refusals.append(sight(lab, "way-a").refusals)

    assert results[0].socks_reply == results[1].socks_reply == 4
    assert results[0].error == results[1].error
    assert refusals[0] == refusals[1] != ()


def test_without_taps_there_are_none(tmp_path: Path) -> None:
    with tapped_lab(tmp_path, tapped=False) as lab:
        assert lab.taps is None
