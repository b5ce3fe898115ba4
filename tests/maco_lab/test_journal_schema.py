"""The journal's schema: made from the code, shipped and documented as it is, and strict."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import jsonschema_rs
import pytest

from maco_lab.journal import SCHEMA_VERSION, Entry
from maco_lab.journal_fields import CERTIFICATE_FIELDS, COMMON_FIELDS, FIELDS
from maco_lab.journal_schema import journal_schema, schema_text
from maco_wire.observation import CertificateSummary, Observation, Party, PollFinished, Problem, Starttls, StreamOpened
from maco_wire.observation_fields import observation_kinds
from tests.maco_lab.journal_document import PAGE, SCHEMA, page_with_tables

VALIDATOR = jsonschema_rs.validator_for(journal_schema())


def line(observation: Observation) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(Entry(1, 1.5, observation).as_json())
    return parsed


def own_fields(kind: type[Any]) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}


def test_the_shipped_file_is_what_the_code_makes() -> None:
    """If not: python -m tests.maco_lab.journal_document."""
    assert SCHEMA.read_text(encoding="utf-8") == schema_text()


def test_the_page_has_the_tables_that_the_code_makes() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert page == page_with_tables(page)
    assert f"which is `v` in each line: {SCHEMA_VERSION}." in page


def test_the_schema_is_one_of_its_dialect() -> None:
    jsonschema_rs.meta.validate(journal_schema())


def test_every_kind_has_a_meaning_for_each_of_its_fields_and_for_nothing_else() -> None:
    common = own_fields(Observation)

    assert len(FIELDS) > 15
    assert {name: own_fields(kind) - common for name, kind in observation_kinds().items()} == {
        name: set(fields) for name, fields in FIELDS.items()
    }
    assert set(COMMON_FIELDS) == common
    assert set(CERTIFICATE_FIELDS) == own_fields(CertificateSummary)


@pytest.mark.parametrize(
    "observation",
    [
        Problem(Party.MACO, ""),
        PollFinished(Party.MACO, "way-a", succeeded=False, stage="socks", socks_reply=2),
        StreamOpened(Party.CLOUD_CONNECTOR, "mail", 143, back_end=(("::1", 1), ("::1", 2)), local=("::1", 3)),
    ],
)
def test_a_line_with_empty_fields_left_out_is_valid(observation: Observation) -> None:
    assert VALIDATOR.is_valid(line(observation))


@pytest.mark.parametrize(
    "change",
    [
        {"unheard": "of"},
        {"v": SCHEMA_VERSION + 1},
        {"n": 0},
        {"party": "Nobody"},
        {"step": "begun"},
        {"kind": "problem"},
        {"local": ["127.0.0.1"]},
        {"local": ["127.0.0.1", 65536]},
        {"detail": None},
    ],
    ids=str,
)
def test_a_line_that_is_changed_is_not_valid(change: dict[str, Any]) -> None:
    right = line(Starttls(Party.MACO, "IMAP", "asked", "client", local=("127.0.0.1", 1)))

    assert VALIDATOR.is_valid(right)
    assert not VALIDATOR.is_valid(right | change)


def test_a_line_without_a_field_that_is_always_there_is_not_valid() -> None:
    right = line(Starttls(Party.MACO, "IMAP", "asked", "client"))
    del right["role"]

    assert not VALIDATOR.is_valid(right)
