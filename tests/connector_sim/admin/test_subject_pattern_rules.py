"""Subject pattern rules: whole answers as recorded, their places, and the last one, which is always there."""

from __future__ import annotations

import pytest

from tests.connector_sim.admin.client import FIRST, JSON, NO_STORE, AdminClient, compact, length
from tests.connector_sim.admin.good_bodies import PATTERN_RULES
from tests.connector_sim.admin.settings import LAB
from tests.connector_sim.admin.test_audit import told

pytestmark = LAB

NO_CONTENT = (204, "", [*FIRST, NO_STORE], "")
LAST = {"condition": "always true", "subjectPattern": {"CN": "${name}"}}  # facts, 5.6; recorded without a description

# As SAP's client sends it.
SENT = {
    "condition": {"operator": "is", "value": "Terraform", "variable": "name"},
    "description": "added by a client",
    "subjectPattern": {
        "CN": "Terraform",
        "EMAIL": "t@example.com",
        "L": "L",
        "OU": "U",
        "O": "Org",
        "ST": "S",
        "C": "TC",
    },
}
SHOWN = {"description": SENT["description"], "condition": "name is Terraform", "subjectPattern": SENT["subjectPattern"]}


def test_a_rule_is_shown_as_recorded_in_front_of_the_last(admin: AdminClient) -> None:
    assert admin.get(PATTERN_RULES).text == compact([LAST])

    created = admin.call("POST", PATTERN_RULES, SENT)

    location = ("Location", f"{admin.url}{PATTERN_RULES}/0")
    assert created.whole == (201, "", [*FIRST, NO_STORE, location, ("Content-Length", "0")], "")
    body = compact([SHOWN, LAST])
    assert admin.get(PATTERN_RULES).whole == (200, "", [*FIRST, NO_STORE, JSON, length(body)], body)


@pytest.mark.parametrize(
    ("condition", "shown"),
    [
        ({"variable": "email", "operator": "exist"}, "email exists"),
        ({"variable": "email", "operator": "exist_not"}, "email does not exist"),
        ({"variable": "name", "operator": "is", "value": "a b"}, "name is a b"),
        ({"variable": "name", "operator": "is_not", "value": "x"}, "name is not x"),
        ({"variable": "name", "operator": "is", "value": ""}, "name is"),
    ],
)
def test_a_condition_is_shown_in_words(admin: AdminClient, condition: dict[str, str], shown: str) -> None:
    assert admin.call("POST", PATTERN_RULES, {**SENT, "condition": condition}).status == 201

    assert admin.get(PATTERN_RULES).json[0]["condition"] == shown


def test_new_rules_go_in_front_and_are_changed_and_deleted_by_their_place(admin: AdminClient) -> None:
    for name in "abc":
        admin.call("POST", PATTERN_RULES, {**SENT, "description": name})

    def names() -> list[str | None]:
        return [each.get("description") for each in admin.get(PATTERN_RULES).json]

    assert names() == ["c", "b", "a", None]
    change = {**SENT, "description": "B", "subjectPattern": {"C": "DE", "CN": "x", "O": "", "unknown": "y"}}
    assert admin.call("PUT", f"{PATTERN_RULES}/1", change).whole == NO_CONTENT
    assert admin.get(PATTERN_RULES).json[1]["subjectPattern"] == {"CN": "x", "C": "DE"}
    assert admin.call("DELETE", f"{PATTERN_RULES}/0").whole == NO_CONTENT
    assert names() == ["B", "a", None]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_the_last_rule_and_those_that_are_not_there_cannot_be_changed(admin: AdminClient, method: str) -> None:
    admin.call("POST", PATTERN_RULES, SENT)
    before = admin.get(PATTERN_RULES).text
    content = SENT if method == "PUT" else None

    refused = [admin.call(method, f"{PATTERN_RULES}/{place}", content).refusal for place in ("1", "2", "-1", "00", "x")]

    invalid = (400, "INVALID_REQUEST")  # SAP's page names 400 alone
    assert refused == [
        (*invalid, "index: the rule 'always true' cannot be changed"),
        *((*invalid, f"index: there is no rule '{place}'") for place in ("2", "-1", "00", "x")),
    ]
    assert admin.get(PATTERN_RULES).text == before


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"condition": {"operator": "exist"}}, "variable"),
        ({"condition": {"variable": "name"}}, "operator"),
        ({"condition": {"variable": "name", "operator": "always_true"}}, "operator"),
        ({"condition": {"variable": "name", "operator": "is"}}, "value"),
        ({"condition": {"variable": "name", "operator": "exist", "value": "x"}}, "value"),
        ({"subjectPattern": {}}, "subjectPattern"),
        ({"subjectPattern": {"CN": "", "X": "y"}}, "subjectPattern"),
        ({"subjectPattern": {"CN": 1}}, "CN"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_by_its_field(
    admin: AdminClient, change: dict[str, object], name: str
) -> None:
    status, kind, message = admin.call("POST", PATTERN_RULES, {**SENT, **change}).refusal

    assert (status, kind, message.partition(":")[0]) == (400, "INVALID_REQUEST", name)
    assert admin.get(PATTERN_RULES).text == compact([LAST])


def test_a_rule_is_told_in_the_audit_log(admin: AdminClient) -> None:
    admin.call("POST", PATTERN_RULES, SENT)
    admin.call("PUT", f"{PATTERN_RULES}/0", {**SENT, "description": "other"})
    admin.call("DELETE", f"{PATTERN_RULES}/0")

    added, changed, deleted = told(admin, subaccount=False)
    kind = "PrincipalPropagationConfiguration"
    assert [each[0] for each in (added, changed, deleted)] == [f"add-{kind}", f"modify-{kind}", f"delete-{kind}"]
    assert "[0].condition=name is Terraform" in added[4]
    assert changed[3:] == ("{[0].description=added by a client}", "{[0].description=other}")
