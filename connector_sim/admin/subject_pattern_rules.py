"""Subject pattern rules of principal propagation: kept and shown. No certificate is made by them here.

The last rule is always there and cannot be changed; new ones go in front (SAP, "Subject Pattern Rules"; recorded). A
rule is named by its place in the list, from 0 on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from connector_sim.admin.call import Call
from connector_sim.admin.endpoint import Endpoint
from connector_sim.admin.errors import invalid
from connector_sim.admin.fields import Fields
from connector_sim.admin.replies import Reply, created, no_content, ok
from connector_sim.admin.roles import CONNECTOR, READ

RULES = "/api/v1/configuration/connector/onPremises/subjectPatternRules"
RULE = f"{RULES}/{{rule}}"

Rule: TypeAlias = Mapping[str, Any]

LAST: Rule = {"condition": "always true", "subjectPattern": {"CN": "${name}"}}
"""The rule behind all others, as recorded: without a description."""
OPERATORS: Mapping[str, str] = {"exist": "exists", "exist_not": "does not exist", "is": "is", "is_not": "is not"}
"""What is sent, and what is shown of it."""
WITH_VALUE = ("is", "is_not")
PARTS = ("CN", "EMAIL", "L", "OU", "O", "ST", "C")
"""Of a subject, in the recorded order."""


def _list(call: Call) -> Reply:
    return ok([*map(_shown, _rules(call)), LAST])


def _add(call: Call) -> Reply:
    _keep(call, [_read(call.fields()), *_rules(call)])
    return created(f"{call.url}/0")


def _put(call: Call) -> Reply:
    rules, place = _rules(call), _place(call)
    _keep(call, [*rules[:place], _read(call.fields()), *rules[place + 1 :]])
    return no_content()


def _delete(call: Call) -> Reply:
    rules, place = _rules(call), _place(call)
    _keep(call, [*rules[:place], *rules[place + 1 :]])
    return no_content()


def _rules(call: Call) -> list[Rule]:
    kept = call.installation.stored.get("", {}).get(RULES, {})
    return [_read(each) for each in Fields(kept).objects("rules")]  # as a lab file may have them


def _keep(call: Call, rules: list[Rule]) -> None:
    call.installation.stored.setdefault("", {})[RULES] = {"rules": rules}


def _place(call: Call) -> int:
    """Return the place of the rule that the path names. Raises Refused: SAP's page has no 404 for it."""
    written, count = call.parameters["rule"], len(_rules(call))
    places = {str(place): place for place in range(count)}
    if written == str(count):
        raise invalid(f"index: the rule '{LAST['condition']}' cannot be changed")
    if written not in places:
        raise invalid(f"index: there is no rule '{written}'")
    return places[written]


def _read(fields: Fields) -> Rule:
    """Return the rule that was sent, with its condition in parts. Raises Refused."""
    return {
        "description": fields.text("description"),
        "condition": _condition(_object(fields, "condition")),
        "subjectPattern": _pattern(_object(fields, "subjectPattern")),
    }


def _object(fields: Fields, name: str) -> Fields:
    if name not in fields:
        raise invalid(f"{name}: found nothing, allowed: an object")
    return fields.object(name)


def _condition(fields: Fields) -> Rule:
    variable, operator = fields.text("variable"), fields.choice("operator", tuple(OPERATORS))
    if operator not in WITH_VALUE:
        if "value" in fields:
            raise invalid(f"value: must not be there with the operator {operator}")
        return {"variable": variable, "operator": operator}
    if "value" not in fields:
        raise invalid(f"value: found nothing, but the operator {operator} needs it")
    return {"variable": variable, "operator": operator, "value": fields.text("value", "")}


def _pattern(fields: Fields) -> Rule:
    pattern = {name: fields.text(name, "") for name in PARTS}
    given = {name: value for name, value in pattern.items() if value}
    if not given:
        raise invalid(f"subjectPattern: found nothing, allowed: some of {', '.join(PARTS)}")
    return given


def check_kept(path: str, kept: Mapping[str, Any]) -> None:
    """Check what a lab file keeps at a path, if that is this one. Raises Refused."""
    for rule in Fields(kept).objects("rules") if path == RULES else ():
        _read(rule)


def _shown(rule: Rule) -> Rule:
    condition = rule["condition"]
    words = [condition["variable"], OPERATORS[condition["operator"]], condition.get("value", "")]
    return {**rule, "condition": " ".join(filter(None, words))}


ENDPOINTS = (
    Endpoint("GET", RULES, READ, _list, state="stored"),
    Endpoint("POST", RULES, CONNECTOR, _add, body="json", state="stored"),
    Endpoint("PUT", RULE, CONNECTOR, _put, body="json", state="stored"),
    Endpoint("DELETE", RULE, CONNECTOR, _delete, state="stored"),
)
