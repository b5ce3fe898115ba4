from __future__ import annotations

import base64
import json

import pytest

from connector_sim.authentication_data import AUDIENCE, AuthenticationData

DATA = AuthenticationData("lab.example", "stadtwerke", "me")


def text(claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"head.{payload}.signature"


def test_data_is_read_from_its_claims() -> None:
    assert AuthenticationData.read(text(DATA.as_claims())) == DATA


@pytest.mark.parametrize(
    "other",
    [
        "",
        "x",
        "a.b.c",
        "a.ä.c",
        "a.AAAAA.c",
        "a." + base64.urlsafe_b64encode(b"\xff\xff\xff").decode() + ".c",
        "a." + base64.urlsafe_b64encode(b"[" * 100_000).decode() + ".c",
        text([]),
        text({}),
        text({**DATA.as_claims(), "aud": "connectivity"}),
        text({**DATA.as_claims(), "user": 1}),
        text({"aud": AUDIENCE, "user": "me", "subaccount": "stadtwerke"}),
    ],
)
def test_what_is_no_authentication_data_is_none(other: str) -> None:
    assert AuthenticationData.read(other) is None
