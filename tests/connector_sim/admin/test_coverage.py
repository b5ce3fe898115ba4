"""What docs/rest-api.md says of each endpoint is what the code does."""

from __future__ import annotations

from tests.connector_sim.admin.catalogue import facts
from tests.connector_sim.admin.coverage import PAGE, SERVED, page, state


def test_the_page_tells_the_state_of_every_endpoint() -> None:
    written = PAGE.read_text(encoding="utf-8")

    assert written == page(written), "write it anew: python -m tests.connector_sim.admin.coverage"


def test_nothing_is_served_that_the_facts_do_not_have() -> None:
    known = {(each.method, each.path.partition("?")[0]) for each in facts()}

    assert set(SERVED) - known == set()


def test_every_endpoint_that_is_needed_for_mail_acts() -> None:
    must = [each for each in facts() if each.mark == "MUST"]

    assert must
    assert [(each.method, each.path) for each in must if state(each) != "acts"] == []
