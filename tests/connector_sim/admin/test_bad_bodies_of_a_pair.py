"""The same requests to a pair: the master refuses them as if it had no shadow, the shadow those that concern it."""

from __future__ import annotations

import pytest

from connector_sim.admin.openapi import operation_id
from maco_lab.testing.lab import Lab
from tests.connector_sim.admin.client import AdminClient
from tests.connector_sim.admin.good_bodies import JSON, path_of, prepared
from tests.connector_sim.admin.test_bad_bodies import CONNECTOR, OF_A_SHADOW, UPLOADS, WITH_JSON, wrong_answers
from tests.connector_sim.admin.test_ha import PAIR, wait_for_shadow, wait_for_state
from tests.connector_sim.admin.whole_state import asked, refusal, whole_state

pytestmark = PAIR


@pytest.mark.slow
def test_the_master_of_a_pair_refuses_them_all_too(maco_lab: Lab, admin: AdminClient) -> None:
    wait_for_shadow(admin)
    before = prepared(maco_lab)

    assert {operation_id(each): wrong_answers(maco_lab, each) for each in WITH_JSON} == {
        operation_id(each): [] for each in WITH_JSON
    }
    assert whole_state(maco_lab) == before


def test_a_shadow_refuses_those_that_concern_it_and_changes_nothing(maco_lab: Lab, admin: AdminClient) -> None:
    wait_for_shadow(admin)
    assert admin.call("POST", f"{CONNECTOR}/ha/master/state", {"op": "SWITCH"}).status == 204
    wait_for_state(admin, "READY")
    before = whole_state(maco_lab)

    assert [wrong_answers(maco_lab, each) for each in OF_A_SHADOW] == [[], []]
    assert whole_state(maco_lab) == before


def test_a_shadow_refuses_every_other_change_whatever_its_body(maco_lab: Lab, admin: AdminClient) -> None:
    wait_for_shadow(admin)
    assert admin.call("POST", f"{CONNECTOR}/ha/master/state", {"op": "SWITCH"}).status == 204
    wait_for_state(admin, "READY")
    others = [each for each in [*WITH_JSON, *UPLOADS] if not each.on_shadow]
    assert len(others) > 20

    for each in others:
        answer = asked(maco_lab, each.method, path_of(each), b"{", JSON)
        assert refusal(answer)[:2] == (403, "FORBIDDEN_REQUEST"), each
