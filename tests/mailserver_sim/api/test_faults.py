"""Faults by the API: armed, struck, listed, healed, and refused when the table has no such thing."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from tests.maco_lab.page.client import PageClient
from tests.mailserver_sim.running import RawClient, RunningServer


def greeting(server: RunningServer) -> bytes:
    with RawClient(socket.create_connection(server.address("imap"), 10)) as client:
        return client.line()


def test_a_fault_strikes_as_often_as_it_was_told(api: PageClient, server: RunningServer) -> None:
    armed = api.post("/api/faults", {"step": "greeting.bye", "after": 1}).data["faults"]
    greetings = [greeting(server)[:5] for _ in range(3)]

    assert greetings == [b"* OK ", b"* BYE", b"* OK "]
    assert [(each["passed"], each["hits"]) for each in armed] == [(0, 0)]
    (told,) = api.get("/api/faults").data["faults"]
    assert (told["step"], told["passed"], told["hits"], told["over"]) == ("greeting.bye", 1, 1, True)


def test_a_fault_that_is_healed_strikes_no_more(api: PageClient, server: RunningServer) -> None:
    api.post("/api/faults", {"step": "greeting.bye", "count": 0})

    assert api.ask("DELETE", "/api/faults").data == {"faults": []}
    assert greeting(server).startswith(b"* OK ")


@pytest.mark.parametrize(
    ("wrong", "status", "error"),
    [
        ({"step": "none"}, 409, "step: found 'none', allowed: "),
        (
            {"step": "literal.cut", "parameters": {"octets": 1}},
            409,
            "parameters: found 'octets', allowed for literal.cut: ",
        ),
        ({"step": "literal.cut", "parameters": {"step": 1}}, 409, "parameters: step belongs beside parameters"),
        ({"step": "literal.cut", "protocol": "smtp"}, 409, "protocol: found 'smtp', allowed for literal.cut: "),
        ({"step": "greeting.bye", "count": -1}, 422, "count: "),
    ],
)
def test_a_fault_that_cannot_be_is_refused_by_name(
    api: PageClient, wrong: dict[str, Any], status: int, error: str
) -> None:
    answer = api.post("/api/faults", wrong)

    assert answer.status == status
    assert answer.data["error"].startswith(error)
    assert api.get("/api/faults").data == {"faults": []}
