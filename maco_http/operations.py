"""What an operation of an API is. A table of them gives the routes, the deadlines and the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pydantic import BaseModel

from maco_http.shapes import Shape

REQUEST_S = 10.0

Content: TypeAlias = Literal["events", "document", "mail", "mailbox", "certificate", "text"]
"""What is no JSON of a shape: a stream, any JSON, a mail, many mails, certificates as PEM, plain text."""

Upload: TypeAlias = Literal["mail", "certificate", "payload"]
"""What a request may bring that is no JSON: a mail, certificates as PEM or DER, any bytes."""

MAX_TEXT = 998
"""How long a text in a query may be: as long as a line of a mail (RFC 5322, section 2.1.1)."""


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter of the query string: a whole number between the two bounds."""

    name: str
    meaning: str
    default: int
    most: int = 2**53 - 1
    least: int = 0


@dataclass(frozen=True, slots=True)
class TextQuery:
    """A parameter of the query string: a text; one without a default must be given, and not be empty."""

    name: str
    meaning: str
    default: str | None = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; ``name`` is its operationId and the method that answers it."""

    name: str
    path: str
    summary: str
    answer: type[BaseModel] | Content
    method: Literal["GET", "POST", "PATCH", "DELETE"] = "GET"
    request: type[Shape] | Upload | None = None
    queries: tuple[Query | TextQuery, ...] = ()
    refusals: tuple[int, ...] = ()
    """Status codes that this operation has beside those that all have (400, 403 and 503)."""
    deadline_s: float | None = REQUEST_S
    """None: the answer is a stream that goes on."""
    description: str = ""

    @property
    def path_parameter(self) -> str:
        """The name in braces in the path; empty if there is none."""
        return self.path.partition("{")[2].partition("}")[0]


def deadlines(operations: Iterable[Operation]) -> dict[str, float | None]:
    """Return the deadline of each path, that of its slowest operation."""
    found: dict[str, float | None] = {}
    for each in operations:
        known = found.get(each.path, 0.0)
        found[each.path] = None if known is None or each.deadline_s is None else max(known, each.deadline_s)
    return found
