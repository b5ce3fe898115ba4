"""What holds for every endpoint: who is let in, in which order things are refused, and which headers come with it."""

from __future__ import annotations

import email.utils
import gzip
from typing import Any

import pytest

from connector_sim.admin.application import _date
from maco_lab.testing.lab import Lab
from tests.connector_sim.admin.client import FIRST, JSON, NO_STORE, AdminClient, basic, compact, length
from tests.connector_sim.admin.settings import LAB, MAPPINGS, OWN, SUBACCOUNTS

pytestmark = LAB

VERSION = "/api/v1/connector/version"
PASSWORD = "/api/v1/configuration/connector/authentication/basic"
CONNECTOR = "/api/v1/configuration/connector"


def error(kind: str, message: str) -> str:
    return compact({"type": kind, "message": message})


def test_the_version_is_answered_as_recorded(admin: AdminClient) -> None:
    body = '{"version":"2.19.0.2"}'  # facts, 5.6; Cache-Control and the empty reason phrase: 5.1

    headers = [*FIRST, ("Cache-Control", "max-age=3600"), JSON, ("Content-Length", "22")]
    assert admin.get(VERSION).whole == (200, "", headers, body)


@pytest.mark.parametrize("moment", [0.0, 1.9, 951_782_400.0, 1_785_830_559.0])
def test_the_date_is_written_as_pythons_own_library_has_it(moment: float) -> None:
    assert _date(moment) == email.utils.formatdate(moment, usegmt=True)


def test_connection_close_begins_no_session(admin: AdminClient) -> None:
    answer = admin.get(VERSION, Connection="close")

    headers = [*FIRST[:3], ("Cache-Control", "max-age=3600"), JSON, ("Content-Length", "22"), ("Connection", "close")]
    assert answer.whole == (200, "", headers, '{"version":"2.19.0.2"}')


@pytest.mark.parametrize(
    "authorization",
    ["", "Basic !", "Basic QWRtaW5pc3RyYXRvcg==", "Bearer x", basic("Administrator", "wrong"), basic("nobody", "")],
)
def test_whoever_is_not_known_is_refused_with_401(admin: AdminClient, authorization: str) -> None:
    body = error("ERROR", "Sign in by Basic: the user or the password is missing or wrong")
    answer = admin.call("GET", VERSION, headers={"Authorization": authorization})

    challenge = ("WWW-Authenticate", 'Basic realm="Cloud Connector Administration"')
    assert answer.whole == (401, "", [*FIRST[:3], NO_STORE, challenge, JSON, length(body)], body)


def test_a_path_that_is_none_is_refused_with_404(admin: AdminClient) -> None:
    body = error("ERROR", "There is no /api/v1/nothing")

    assert admin.get("/api/v1/nothing").whole == (404, "", [*FIRST, NO_STORE, JSON, length(body)], body)


def test_a_method_that_is_none_is_refused_as_recorded(admin: AdminClient) -> None:
    body = '{"type": "ERROR","message": "An error occurred while processing the request."}'  # facts, 5.2, with blanks
    answer = admin.call("POST", VERSION)

    more = [
        ("Cache-Control", "private"),
        ("Allow", "GET,OPTIONS"),
        ("Content-Type", "application/json;charset=ISO-8859-1"),
    ]
    assert answer.whole == (405, "", [*FIRST, *more, length(body)], body)


def test_options_names_the_methods_in_the_recorded_order(admin: AdminClient) -> None:
    answer = admin.call("OPTIONS", OWN)

    assert answer.whole == (
        200,
        "",
        [*FIRST, NO_STORE, ("Allow", "DELETE,GET,OPTIONS,PUT"), ("Content-Length", "0")],
        "",
    )


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_a_json_body_of_another_type_is_refused_with_415(admin: AdminClient, kind: str) -> None:
    body = error("ERROR", "Content-Type must be application/json")
    answer = admin.call("PUT", CONNECTOR, headers={"Content-Type": kind}, body=b'{"description":"x"}')

    assert answer.whole == (415, "", [*FIRST, NO_STORE, JSON, length(body)], body)


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (b"{", "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
        (b"[]", "the body must be a JSON object"),
        (b'{"description":null}', "description: found nothing, allowed: a string"),
        (b'{"description":1}', "description: found 1, allowed: a string"),
    ],
)
def test_a_body_that_cannot_be_used_is_refused_with_400(admin: AdminClient, sent: bytes, message: str) -> None:
    answer = admin.call("PUT", CONNECTOR, headers={"Content-Type": "application/json"}, body=sent)

    assert answer.refusal == (400, "INVALID_REQUEST", message)


def test_a_body_above_the_limit_is_refused_with_413(admin: AdminClient) -> None:
    body = error("ERROR", "Request Entity Too Large")
    answer = admin.call("PUT", CONNECTOR, headers={"Content-Type": "application/json"}, body=b" " * 1_100_000)

    headers = [*FIRST[:2], NO_STORE, JSON, length(body), ("Connection", "close")]
    assert answer.whole == (413, "", headers, body)


def test_links_lead_to_the_host_that_was_called(admin: AdminClient) -> None:
    answer = admin.get(OWN, Host="scc.example:4711")

    assert answer.json["_links"]["self"]["href"] == f"https://scc.example:4711{OWN}"


@pytest.mark.parametrize("host", ["a b", "a/b", "user@host", "x" * 300])
def test_a_host_that_is_none_is_refused(admin: AdminClient, host: str) -> None:
    assert admin.get(OWN, Host=host).status == 400


def test_a_subaccount_comes_compressed_to_whoever_takes_that(admin: AdminClient) -> None:
    plain, answer = admin.get(SUBACCOUNTS), admin.get(SUBACCOUNTS, Accept_Encoding="gzip")

    assert gzip.decompress(answer.body) == plain.body
    tail = [NO_STORE, JSON, ("Vary", "accept-encoding")]
    assert plain.whole[2][5:] == [*tail, length(plain.text)]
    assert answer.headers[5:] == [*tail, ("Content-Encoding", "gzip"), ("Transfer-Encoding", "chunked")]


# Sessions


def _cookie(admin: AdminClient) -> tuple[dict[str, str], str]:
    """Sign in, and return the headers of a client that goes on by its cookie, and the session's token."""
    answer = admin.get(VERSION)
    cookie, token = answer.header("Set-Cookie"), answer.header("X-Csrf-Token")
    assert cookie
    assert token
    return {"Authorization": "", "Cookie": cookie.partition(";")[0]}, token


def test_a_session_stands_for_its_user(admin: AdminClient) -> None:
    headers, token = _cookie(admin)

    answer = admin.call("GET", VERSION, headers=headers)
    assert (answer.status, answer.header("X-Csrf-Token")) == (200, token)


@pytest.mark.parametrize("sent", [{}, {"X-CSRF-Token": "0" * 32}])
def test_a_change_by_a_session_needs_its_token(admin: AdminClient, sent: dict[str, str]) -> None:
    headers, token = _cookie(admin)
    change = {"description": "by a session"}

    refused = admin.call("PUT", CONNECTOR, change, headers={**headers, **sent})
    assert refused.refusal == (403, "FORBIDDEN", "X-CSRF-Token of the session is missing or wrong")
    assert admin.get(CONNECTOR).json["description"] == ""
    assert admin.call("PUT", CONNECTOR, change, headers={**headers, "X-CSRF-Token": token}).status == 204


def test_a_change_by_basic_alone_needs_no_token(admin: AdminClient) -> None:
    assert admin.call("PUT", CONNECTOR, {"description": "by Basic"}).status == 204


def test_a_session_that_is_over_gets_the_login_page(admin: AdminClient) -> None:
    answer = admin.call("GET", VERSION, headers={"Authorization": "", "Cookie": "JSESSIONID=" + "0" * 32})

    assert (answer.status, answer.header("Content-Type")) == (200, "text/html;charset=UTF-8")
    assert answer.text.startswith("<!DOCTYPE html>")


def test_a_session_that_is_over_does_not_hinder_basic(admin: AdminClient) -> None:
    assert admin.get(VERSION, Cookie="JSESSIONID=" + "0" * 32).json == {"version": "2.19.0.2"}


def test_connection_close_ends_a_session(admin: AdminClient) -> None:
    headers, _ = _cookie(admin)

    assert admin.call("GET", VERSION, headers={**headers, "Connection": "close"}).status == 200
    assert admin.call("GET", VERSION, headers=headers).text.startswith("<!DOCTYPE html>")


def test_a_change_that_ends_its_session_needs_its_token_too(admin: AdminClient) -> None:
    headers, token = _cookie(admin)
    last = {**headers, "Connection": "close", "X-CSRF-Token": token}

    assert admin.call("PUT", CONNECTOR, {"description": "my last"}, headers=last).status == 204
    assert admin.get(CONNECTOR).json["description"] == "my last"
    assert admin.call("GET", VERSION, headers=headers).text.startswith("<!DOCTYPE html>")


BETTER = {"oldPassword": "manage", "newPassword": "better"}


@pytest.mark.parametrize("change", [BETTER, {"password": "manage", "user": "chief"}])
def test_other_sessions_of_a_user_end_with_his_password_or_name(admin: AdminClient, change: dict[str, str]) -> None:
    stolen, token = _cookie(admin)
    support = _cookie(admin.as_user("sccsupport"))[0]

    assert admin.call("PUT", PASSWORD, change).status == 204

    by_token = {**stolen, "X-CSRF-Token": token}
    assert admin.call("PUT", CONNECTOR, {"description": "stolen"}, headers=by_token).text.startswith("<!DOCTYPE html>")
    assert admin.call("GET", VERSION, headers=support).json == {"version": "2.19.0.2"}


def test_who_changes_his_password_goes_on_by_another_cookie_and_token(admin: AdminClient) -> None:
    headers, token = _cookie(admin)

    changed = admin.call("PUT", PASSWORD, BETTER, headers={**headers, "X-CSRF-Token": token})

    assert admin.call("GET", VERSION, headers=headers).text.startswith("<!DOCTYPE html>")
    renewed, cookie = changed.header("X-Csrf-Token"), (changed.header("Set-Cookie") or "").partition(";")[0]
    assert renewed not in {None, token}
    sent = {"Authorization": "", "Cookie": cookie, "X-CSRF-Token": renewed or ""}
    assert admin.call("PUT", CONNECTOR, {"description": "me"}, headers=sent).status == 204


# The initial password


def must_change(data: dict[str, Any]) -> None:
    data["cloud_connectors"][0]["administration"]["must_change_password"] = True


@pytest.mark.maco_lab(change=must_change)
def test_until_the_initial_password_is_changed_everything_else_is_refused(maco_lab: Lab, admin: AdminClient) -> None:
    refusal = (403, "FORBIDDEN", "Change the initial password first")
    assert admin.get(VERSION).refusal == refusal
    assert admin.call("POST", MAPPINGS, {}).refusal == refusal
    assert admin.get("/api/v1/nothing").refusal == refusal

    changed = admin.call("PUT", PASSWORD, {"oldPassword": "manage", "newPassword": "better"})

    assert changed.whole == (204, "", [*FIRST, NO_STORE], "")
    assert admin.get(VERSION).status == 401
    assert admin.as_user("Administrator", "better").get(VERSION).status == 200
    maco_lab.reset()
    assert admin.get(VERSION).refusal == refusal


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (("wrong", "better"), "oldPassword: is not the current password"),
        (("manage", "manage"), "newPassword: must differ from the old one and must not be empty"),
    ],
)
def test_a_change_of_the_password_may_be_refused(admin: AdminClient, sent: tuple[str, str], message: str) -> None:
    answer = admin.call("PUT", PASSWORD, dict(zip(("oldPassword", "newPassword"), sent, strict=True)))

    assert answer.refusal == (400, "INVALID_REQUEST", message)
    assert admin.get(VERSION).status == 200


def test_a_user_may_take_another_name(admin: AdminClient) -> None:
    assert admin.call("PUT", PASSWORD, {"password": "manage", "user": "chief"}).status == 204

    assert admin.get(VERSION).status == 401
    assert admin.as_user("chief", "manage").get(VERSION).status == 200


# What the product has no longer


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", [f"{OWN}/recovery", f"{OWN}/recovery/x", f"{SUBACCOUNTS}/elsewhere/nobody/recovery"])
def test_the_recovery_of_a_subaccount_is_gone(admin: AdminClient, method: str, path: str) -> None:
    refusal = (410, "ERROR", f"{path} was dropped in version 2.16")  # facts, 5.3: 410 since 2.16
    assert admin.call(method, path, None if method == "GET" else {}).refusal == refusal
    assert admin.call(method, path, headers={"Authorization": ""}).status == 401


def test_nothing_else_is_gone(admin: AdminClient) -> None:
    for path in (f"{OWN}/recover", f"{SUBACCOUNTS}/recovery/a/b/c", "/api/v1/recovery"):
        assert admin.get(path).status == 404
