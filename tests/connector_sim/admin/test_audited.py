"""Every change of the API has its place in the audit log."""

from __future__ import annotations

from connector_sim.admin.audited import OTHER, RULES, operation_of, rule_of
from connector_sim.admin.endpoints import ENDPOINTS
from connector_sim.admin.stored import AUDIT, AUDIT_PATH, LOG, LOG_OF_SUBACCOUNT, LOG_PATH, OF_SUBACCOUNT
from connector_sim.logs.audit_entry import Category


def test_every_rule_is_of_a_path_that_changes_something() -> None:
    changing = {each.path for each in ENDPOINTS if each.changes}

    assert set(RULES) - changing == set()


def test_what_has_no_rule_is_configuration_of_the_connector() -> None:
    others = {each.path for each in ENDPOINTS if each.changes} - set(RULES)

    assert {rule_of(path) for path in others} == {OTHER}
    assert all("{subaccount}" not in path for path in others)


def test_every_category_that_there_is_is_that_of_a_change() -> None:
    used = {category for rule in (*RULES.values(), OTHER) for category in rule.categories}

    assert used == set(Category)


def test_every_field_of_another_category_is_one_that_can_be_read_and_changed() -> None:
    sections = {LOG_PATH: LOG, LOG_PATH + OF_SUBACCOUNT: LOG_OF_SUBACCOUNT, AUDIT_PATH: AUDIT}
    found = {path: set(rule.by_field) for path, rule in RULES.items() if rule.by_field}

    assert set(found) == set(sections)
    for path, section in sections.items():
        assert found[path] <= {name for name, each in section.items() if each.read}


def test_a_change_of_fields_of_several_categories_is_told_apart() -> None:
    rule, before = rule_of(LOG_PATH), {"sccLogLevel": "INFO", "otherLogLevel": "INFO", "tlsTrace": False, "cleanup": 0}

    assert rule.changes(before, {**before, "tlsTrace": True, "cleanup": 7}) == [
        (Category.CLOUD_CONNECTOR_LOGGERS, ("{cleanup=0}", "{cleanup=7}")),
        (Category.TLS_TRACE, ("{tlsTrace=false}", "{tlsTrace=true}")),
    ]
    assert rule.changes(before, before) == [(Category.CLOUD_CONNECTOR_LOGGERS, ("", ""))]
    assert rule.changes(None, {"otherLogLevel": "INFO"}) == [(Category.OTHER_LOGGERS, ("", "{otherLogLevel=INFO}"))]


def test_what_is_done_is_told_by_the_method_and_by_what_was_there() -> None:
    rule = rule_of("/api/v1/configuration/connector/proxy")

    assert rule.category is Category.PROXY_SETTINGS
    assert [operation_of(method, rule, was_there=True) for method in ("POST", "PUT", "PATCH", "DELETE")] == [
        "add", "modify", "modify", "delete",
    ]  # fmt: skip
    assert operation_of("PUT", rule, was_there=False) == "add"
    assert operation_of("POST", OTHER, was_there=False) == "modify"
