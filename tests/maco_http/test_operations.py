"""What a table of operations gives: deadlines of paths, and a document that tells the truth about queries."""

from __future__ import annotations

from maco_http.openapi import document
from maco_http.operations import MAX_TEXT, REQUEST_S, Operation, Query, TextQuery, deadlines
from maco_http.shapes import Refusal


def operation(path: str, **changes: object) -> Operation:
    return Operation("name", path, "It does something.", Refusal, **changes)  # type: ignore[arg-type]


def test_a_path_has_the_deadline_of_its_slowest_operation() -> None:
    table = [
        operation("/a", deadline_s=5.0),
        operation("/a", method="POST", deadline_s=60.0),
        operation("/b", deadline_s=None),
        operation("/b", method="POST"),
        operation("/c"),
    ]

    assert deadlines(table) == {"/a": 60.0, "/b": None, "/c": REQUEST_S}


def test_the_document_says_which_parameters_must_be_given() -> None:
    queries = (
        Query("limit", "How many.", 5, most=9),
        TextQuery("user", "Whose.", default=None),
        TextQuery("to", "To."),
    )
    (described,) = document("Title", "Text.", [operation("/a", queries=queries)])["paths"]["/a"].values()

    assert [(each["name"], each["required"], each["schema"]) for each in described["parameters"]] == [
        ("limit", False, {"type": "integer", "minimum": 0, "maximum": 9, "default": 5}),
        ("user", True, {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}),
        ("to", False, {"type": "string", "maxLength": MAX_TEXT, "default": ""}),
    ]


def test_a_mail_is_described_as_what_it_is() -> None:
    table = [Operation("put", "/m", "It puts.", "mail", method="POST", request="mail")]
    (described,) = document("Title", "Text.", table)["paths"]["/m"].values()

    assert list(described["requestBody"]["content"]) == ["message/rfc822"]
    assert list(described["responses"]["200"]["content"]) == ["message/rfc822"]
