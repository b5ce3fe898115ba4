"""The matrix of six roles, nobody and every endpoint that is served, as the facts have it, asked of the running lab."""

from __future__ import annotations

import pytest

from connector_sim.admin.endpoint import Endpoint
from connector_sim.admin.endpoints import ENDPOINTS
from connector_sim.admin.roles import Role
from connector_sim.http_server import RawAnswer
from maco_lab.testing.lab import Lab
from tests.connector_sim.admin.client import AdminClient, basic
from tests.connector_sim.admin.permissions import allowed, named
from tests.connector_sim.admin.settings import LAB
from tests.connector_sim.admin.whole_state import asked, refusal

pytestmark = LAB

UNAUTHORIZED, FORBIDDEN = 401, 403
EXPECTED = allowed()


def called(lab: Lab, endpoint: Endpoint, authorization: str) -> RawAnswer:
    """Call a path whose names lead to nothing, so that a call that is let through changes little."""
    headers = {"authorization": authorization, "content-type": "application/json"}
    return asked(lab, endpoint.method, named(endpoint.path, {}), b"{}", headers)


def is_let_through(lab: Lab, endpoint: Endpoint, role: Role) -> bool:
    answer = called(lab, endpoint, basic(role.value, "secret"))
    if answer.status != FORBIDDEN or refusal(answer)[1] == "FORBIDDEN_REQUEST":  # that is for the part it plays
        return True
    needed = ", ".join(sorted(EXPECTED[endpoint.method, endpoint.path]))
    assert refusal(answer)[1:] == ("FORBIDDEN", f"This needs one of the roles {needed}")
    return False


def test_every_endpoint_that_is_served_has_a_row() -> None:
    without = [(each.method, each.path) for each in ENDPOINTS if (each.method, each.path) not in EXPECTED]

    assert without == [], "add them to tests/connector_sim/admin/catalogue.py"


@pytest.mark.parametrize("role", Role)
def test_a_role_may_call_what_the_facts_let_it_call(maco_lab: Lab, role: Role) -> None:
    signed_in = [each for each in ENDPOINTS if each.roles is not None]
    assert signed_in

    found = {(each.method, each.path) for each in signed_in if is_let_through(maco_lab, each, role)}

    assert found == {(each.method, each.path) for each in signed_in if role.value in EXPECTED[each.method, each.path]}


@pytest.mark.parametrize("authorization", ["", basic("nobody", "any"), basic(Role.DISPLAY.value, "wrong")])
def test_nobody_may_call_anything_but_what_needs_no_user(maco_lab: Lab, authorization: str) -> None:
    refused = {
        (each.method, each.path): called(maco_lab, each, authorization).status == UNAUTHORIZED for each in ENDPOINTS
    }

    assert refused == {(each.method, each.path): bool(EXPECTED[each.method, each.path]) for each in ENDPOINTS}


def test_two_roles_may_do_what_either_may(admin: AdminClient) -> None:
    both = admin.as_user("both")

    assert both.get("/api/monitoring/usage").status == 200  # sccmonitoring
    log = "/api/v1/configuration/connector/logAndTrace"
    assert both.call("PATCH", log, {}).status == 204  # sccsupport
    assert both.call("PUT", "/api/v1/configuration/connector", {"description": "x"}).status == FORBIDDEN
