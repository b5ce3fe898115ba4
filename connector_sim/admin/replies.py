"""What an endpoint answers, before the headers that all answers have are put to it. Pure."""

from __future__ import annotations

import http
import json
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass, field

JSON = "application/json"
NO_STORE = "no-store"


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, body and what is particular about its headers; no type where there is no body, as recorded."""

    status: int
    body: bytes = field(default=b"", repr=False)
    content_type: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    cache: str = NO_STORE
    varies: bool = False
    """Whether it comes compressed to whoever takes that; recorded for subaccounts, with ``Vary: accept-encoding``."""


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def as_json(content: object) -> bytes:
    """Return JSON as the connector writes it: without blanks, keys in their order, text in UTF-8."""
    return _ENCODER.encode(content).encode()


def ok(content: object, *, cache: str = NO_STORE, varies: bool = False) -> Reply:
    """Return 200 with JSON."""
    return Reply(http.HTTPStatus.OK, as_json(content), JSON, cache=cache, varies=varies)


_URL = "%:/?#[]@!$&'()*+,;=-._~"
"""What stands in a URL as it is (RFC 3986, section 2); the product does not encode a colon either (recorded)."""


def ok_list(contents: Iterable[object]) -> Reply:
    """Return 200 with a list of JSON; thousands of objects are written one by one, and never there all at once."""
    return Reply(http.HTTPStatus.OK, f"[{','.join(map(_ENCODER.encode, contents))}]".encode(), JSON)


def created(location: str, content: object = None, *, varies: bool = False) -> Reply:
    """Return 201 with the absolute URL of what was made; with a body only where one was recorded."""
    headers = (("Location", urllib.parse.quote(location, safe=_URL)),)
    if content is None:
        return Reply(http.HTTPStatus.CREATED, headers=headers)
    return Reply(http.HTTPStatus.CREATED, as_json(content), JSON, headers, varies=varies)


def no_content() -> Reply:
    """Return 204."""
    return Reply(http.HTTPStatus.NO_CONTENT)


def attachment(content: bytes, file_name: str, content_type: str = "application/octet-stream") -> Reply:
    """Return a file, as recorded for a certificate: not the type that was asked for."""
    headers = (("Content-Disposition", f'attachment;filename="{file_name}"'),)
    return Reply(http.HTTPStatus.OK, content, content_type, headers)
