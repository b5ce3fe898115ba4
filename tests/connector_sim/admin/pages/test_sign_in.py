"""Signing in by the page: a session for a right password, without the window that browsers open for Basic."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from connector_sim.admin.pages.sign_in import SESSION
from connector_sim.admin.roles import Role
from tests.connector_sim.admin.client import AdminClient, Answer
from tests.connector_sim.admin.settings import LAB, SUBACCOUNTS

pytestmark = LAB

USERS = "/maco-lab/users"
CONNECTOR = "/api/v1/configuration/connector"


@dataclasses.dataclass
class Visitor:
    """A browser: it shows its cookie, sends its origin, and never Basic."""

    admin: AdminClient
    cookie: str = ""
    token: str = ""

    def call(self, method: str, path: str, content: object = None, **headers: str) -> Answer:
        sent = {"Authorization": "", "Cookie": self.cookie, "X-CSRF-Token": self.token, "Origin": self.admin.url}
        answer = self.admin.call(method, path, content, headers={**sent, **headers})
        if cookie := answer.header("Set-Cookie"):
            self.cookie = cookie.partition(";")[0]
        self.token = answer.header("X-Csrf-Token") or self.token
        return answer

    def sign_in(self, user: str = "Administrator", password: str = "manage") -> Answer:
        return self.call("POST", SESSION, {"user": user, "password": password})


@pytest.fixture
def visitor(admin: AdminClient) -> Visitor:
    return Visitor(admin)


def test_nobody_is_signed_in_at_first(visitor: Visitor) -> None:
    answer = visitor.call("GET", SESSION)

    assert (answer.status, answer.json) == (200, {"user": None})
    assert answer.header("Set-Cookie") is None


def test_a_right_password_begins_a_session_that_may_change_things(visitor: Visitor) -> None:
    told = visitor.sign_in().json

    assert told == {
        "user": "Administrator",
        "roles": ["sccadmin"],
        "rights": ["subaccounts", "connector", "administrator", "logs", "monitoring"],
        "mustChangePassword": False,
        "regionHost": "lab.example",
    }
    assert visitor.call("GET", SESSION).json == told
    assert visitor.call("PUT", CONNECTOR, {"description": "by the page"}).status == 204
    assert visitor.call("GET", CONNECTOR).json["description"] == "by the page"


@pytest.mark.parametrize(("user", "password"), [("Administrator", "wrong"), ("nobody", "manage")])
def test_a_wrong_password_is_refused_without_a_challenge(visitor: Visitor, user: str, password: str) -> None:
    answer = visitor.sign_in(user, password)

    assert answer.refusal == (401, "ERROR", "The user or the password is wrong")
    assert answer.header("WWW-Authenticate") is None
    assert answer.header("Set-Cookie") is None


@pytest.mark.parametrize(
    ("role", "rights"),
    [
        (Role.ASSOCIATE, ["subaccounts", "connector"]),
        (Role.SUBACCOUNT, ["subaccounts"]),
        (Role.SUPPORT, ["logs"]),
        (Role.DISPLAY, []),
        (Role.MONITORING, ["monitoring"]),
    ],
)
def test_a_role_is_told_what_it_may_do(visitor: Visitor, role: Role, rights: list[str]) -> None:
    assert visitor.sign_in(role.value, "secret").json["rights"] == rights


def test_after_signing_out_the_session_is_over(visitor: Visitor) -> None:
    visitor.sign_in()
    assert visitor.call("DELETE", SESSION).status == 204

    assert visitor.call("GET", SESSION).json == {"user": None}
    assert visitor.call("GET", SUBACCOUNTS).text.startswith("<!DOCTYPE html>")


def test_signing_out_needs_the_token(visitor: Visitor) -> None:
    visitor.sign_in()

    assert visitor.call("DELETE", SESSION, **{"X-CSRF-Token": "0" * 32}).status == 403
    assert visitor.call("GET", SESSION).json["user"] == "Administrator"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:8025"])
@pytest.mark.parametrize(("method", "path"), [("POST", SESSION), ("GET", "/"), ("PUT", CONNECTOR)])
def test_the_page_of_another_site_is_refused(visitor: Visitor, origin: str, method: str, path: str) -> None:
    content: Any = {"user": "Administrator", "password": "manage"} if method == "POST" else None
    answer = visitor.call(method, path, content, Origin=origin)

    assert answer.refusal == (403, "FORBIDDEN", "Origin: allowed: this server's own pages")
    assert answer.header("Set-Cookie") is None


def test_what_a_foreign_form_can_send_is_no_sign_in(visitor: Visitor) -> None:
    assert visitor.call("POST", SESSION, {"user": "a"}, **{"Content-Type": "text/plain"}).status == 415


def test_another_name_cannot_sign_in(visitor: Visitor) -> None:
    """Its origin is that name too: a name that leads here."""
    answer = visitor.call(
        "POST", SESSION, {"user": "a", "password": "b"}, Host="evil.example", Origin="https://evil.example"
    )

    assert answer.refusal[2] == "Host: allowed: an address, localhost, or the name that is listened at"


def test_an_administrator_reads_who_may_sign_in(visitor: Visitor) -> None:
    visitor.sign_in()
    users = visitor.call("GET", USERS).json["users"]

    assert users[0] == {"user": "Administrator", "roles": ["sccadmin"]}
    assert {"user": "sccdisplay", "roles": ["sccdisplay"]} in users
    assert "secret" not in str(users)


def test_others_do_not(visitor: Visitor) -> None:
    visitor.sign_in("sccdisplay", "secret")

    assert visitor.call("GET", USERS).status == 403


def initial(data: dict[str, Any]) -> None:
    data["cloud_connectors"][0]["administration"]["must_change_password"] = True


@pytest.mark.maco_lab(change=initial)
def test_with_the_initial_password_only_its_change_is_let_through(visitor: Visitor) -> None:
    assert visitor.sign_in().json["mustChangePassword"] is True
    assert visitor.call("GET", CONNECTOR).status == 403
    change = {"oldPassword": "manage", "newPassword": "another"}
    assert visitor.call("PUT", f"{CONNECTOR}/authentication/basic", change).status == 204

    assert visitor.call("GET", SESSION).json["mustChangePassword"] is False
    assert visitor.call("GET", CONNECTOR).status == 200
