"""Authentication data: who gets it, and that only what is genuine, fresh and of this region counts."""

from __future__ import annotations

import base64
import json
import urllib.parse
from typing import Any

import pytest
from joserfc import jwt

from connector_sim.authentication_data import AuthenticationData
from connector_sim.cloud.authentication_data import DATA_PATH, LIFETIME_S, AuthenticationDataDesk
from connector_sim.cloud.cloud_users import CloudUsers
from connector_sim.cloud.settings import CloudUser
from connector_sim.cloud.tokens import TokenRefusal, Tokens, new_signing_key
from connector_sim.http_server import HttpAnswer, HttpRequest
from tests.connector_sim.landscape import SIGNING_KEY, SUBACCOUNT, cloud_settings

REGION = "lab.example"
USERS = CloudUsers(
    (CloudUser("me", "se:cr+et"), CloudUser("other", "word", frozenset({"netzbetreiber"}))),
    frozenset({SUBACCOUNT, "netzbetreiber"}),
)
NOW = 1_800_000_000


def desk(at: float = NOW, region: str = REGION, key: Any = SIGNING_KEY) -> AuthenticationDataDesk:
    return AuthenticationDataDesk(USERS, key, region, clock=lambda: at)


def asked(authorization: str = "", subaccount: str = SUBACCOUNT) -> HttpAnswer:
    headers = {"authorization": authorization} if authorization else {}
    body = urllib.parse.urlencode({"subaccount": subaccount}).encode()
    return desk().handle(HttpRequest("POST", DATA_PATH, headers, body))


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def test_a_user_gets_data_that_both_sides_can_read() -> None:
    answer = asked(basic("me:se:cr+et"))

    assert isinstance(answer.content, dict)
    text = str(answer.content["authenticationData"])
    assert (answer.status, list(answer.content), answer.content["expires_in"]) == (
        200,
        ["authenticationData", "expires_in"],
        LIFETIME_S,
    )
    expected = AuthenticationData(REGION, SUBACCOUNT, "me")
    assert desk().verified(text) == expected
    assert AuthenticationData.read(text) == expected
    assert "se:cr+et" not in text


@pytest.mark.parametrize(
    ("authorization", "subaccount", "status"),
    [
        ("", SUBACCOUNT, 401),
        ("Basic !", SUBACCOUNT, 401),
        ("Bearer x", SUBACCOUNT, 401),
        (basic("me:wrong"), SUBACCOUNT, 401),
        (basic("nobody:"), SUBACCOUNT, 401),
        (basic("other:word"), SUBACCOUNT, 403),
        (basic("me:se:cr+et"), "nowhere", 403),
        (basic("me:se:cr+et"), "", 403),
    ],
)
def test_nobody_else_gets_any(authorization: str, subaccount: str, status: int) -> None:
    answer = asked(authorization, subaccount)

    assert answer.status == status
    assert "authenticationData" not in json.dumps(answer.content)
    assert [name for name, _ in answer.headers] == (["WWW-Authenticate"] if status == 401 else [])


def tampered(**changes: str) -> str:
    head, payload, signature = desk().issue("other", "netzbetreiber").split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    changed = base64.urlsafe_b64encode(json.dumps({**claims, **changes}).encode()).decode().rstrip("=")
    return f"{head}.{changed}.{signature}"


def signed(**changes: object) -> str:
    claims = {**AuthenticationData(REGION, SUBACCOUNT, "me").as_claims(), "exp": NOW + 1, **changes}
    return jwt.encode({"alg": "RS256", "kid": SIGNING_KEY.kid}, claims, SIGNING_KEY)


OTHERS = {
    "expired": desk(NOW - LIFETIME_S).issue("me", SUBACCOUNT),
    "tampered": tampered(subaccount=SUBACCOUNT),
    "of another region": desk(region="cf.eu10.hana.ondemand.com").issue("me", SUBACCOUNT),
    "of another cloud": desk(key=new_signing_key()).issue("me", SUBACCOUNT),
    "an access token": Tokens(cloud_settings(), SIGNING_KEY, clock=lambda: NOW).issue(cloud_settings().clients[0]),
    "without an expiry": signed(exp=None),
    "for nobody": signed(user=None),
    "no data": "x",
    "nothing": "",
    "without a signature": ".".join((*signed().split(".")[:2], "")),
}


def test_what_is_signed_here_is_genuine_until_its_last_second() -> None:
    assert desk().verified(signed())
    assert desk(NOW + LIFETIME_S - 1).verified(desk().issue("me", SUBACCOUNT))


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)
def test_nothing_else_is_genuine(text: str) -> None:
    assert desk().verified(text) is None


def test_authentication_data_is_no_access_token() -> None:
    with pytest.raises(TokenRefusal):
        Tokens(cloud_settings(), SIGNING_KEY, clock=lambda: NOW).verify(desk().issue("me", SUBACCOUNT))
