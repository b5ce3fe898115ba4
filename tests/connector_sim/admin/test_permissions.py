"""The matrix of six roles by all endpoints, as the facts have it, asked of the running administration."""

from __future__ import annotations

import pytest

from connector_sim.admin.roles import Role
from tests.connector_sim.admin.catalogue import Fact, facts
from tests.connector_sim.admin.client import AdminClient
from tests.connector_sim.admin.coverage import state
from tests.connector_sim.admin.settings import LAB

pytestmark = LAB

FORBIDDEN = 403


def called(fact: Fact) -> str:
    """Return a path whose names lead to nothing, so that a call that is let through changes nothing."""
    path = fact.path
    for name in ("region_host", "subaccount", "virtual", "resource", "internal_domain", "alias", "type", "id", "rule"):
        path = path.replace("{" + name + "}", "nothing")
    return path


def is_let_through(admin: AdminClient, fact: Fact, role: Role) -> bool:
    answer = admin.as_user(role.value).call(fact.method, called(fact), {} if fact.method != "GET" else None)
    if answer.status != FORBIDDEN or answer.json["type"] == "FORBIDDEN_REQUEST":  # that is for the part it plays
        return True
    assert answer.refusal[1:] == ("FORBIDDEN", f"This needs one of the roles {', '.join(sorted(fact.roles))}")
    return False


@pytest.mark.parametrize("role", Role)
def test_a_role_may_call_what_the_facts_let_it_call(admin: AdminClient, role: Role) -> None:
    offered = [each for each in facts() if state(each) != "not offered" and each.roles]
    assert offered

    found = {(each.method, each.path) for each in offered if is_let_through(admin, each, role)}

    assert found == {(each.method, each.path) for each in offered if role.value in each.roles}
