"""Speak to MaCo's API in the running lab."""

from __future__ import annotations

import http.client
import json
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from maco_lab.state import RunNote
from maco_wire.observation import Address

ANSWER_S = 30.0
POLL_S = 660.0
"""A little longer than the API waits for polls itself."""
SEND_S = 660.0
"""The same for a mail that is sent."""
PIECE_BYTES = 1024 * 1024


class ApiError(Exception):
    """MaCo's API did not do what was asked; the text says why. ``status`` is 0 if it did not answer."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


def path(*parts: str, **query: object) -> str:
    """Return a path of the API with its names quoted, and its query without what is None."""
    quoted = "/".join(urllib.parse.quote(part, safe="") for part in parts)
    asked = urllib.parse.urlencode({name: value for name, value in query.items() if value is not None})
    return f"/api/{quoted}" + (f"?{asked}" if asked else "")


@dataclass(frozen=True, slots=True)
class ApiClient:
    """The API at one address. Every method raises ApiError."""

    address: Address

    @classmethod
    def of_running_lab(cls, note: RunNote) -> ApiClient:
        """Return the client of a lab."""
        if "maco" not in note.addresses:
            raise ApiError("the running lab has no API of MaCo: its lab file says serve: false under maco.api")
        return cls(note.addresses["maco"])

    def get(self, where: str) -> dict[str, Any]:
        """Return what is told there."""
        return self._json("GET", where)

    def post(self, where: str, body: Mapping[str, Any], *, timeout_s: float = ANSWER_S) -> dict[str, Any]:
        """Add something, or let something be done."""
        return self._json("POST", where, body, timeout_s=timeout_s)

    def patch(self, where: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Change something."""
        return self._json("PATCH", where, body)

    def delete(self, where: str) -> dict[str, Any]:
        """Remove something."""
        return self._json("DELETE", where)

    def upload(self, where: str, content: bytes, content_type: str, *, timeout_s: float = ANSWER_S) -> dict[str, Any]:
        """Bring a file."""
        return self._parsed(b"".join(self._pieces("POST", where, content, {"Content-Type": content_type}, timeout_s)))

    def download(self, where: str) -> Iterator[bytes]:
        """Yield a file piece by piece."""
        return self._pieces("GET", where, None, {}, ANSWER_S)

    def _json(
        self, method: str, where: str, body: Mapping[str, Any] | None = None, *, timeout_s: float = ANSWER_S
    ) -> dict[str, Any]:
        content = None if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        return self._parsed(b"".join(self._pieces(method, where, content, headers, timeout_s)))

    def _parsed(self, content: bytes) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = json.loads(content)
        except ValueError as error:
            raise ApiError("MaCo's API answered something else than JSON") from error
        return answer

    def _pieces(
        self, method: str, where: str, content: bytes | None, headers: Mapping[str, str], timeout_s: float
    ) -> Iterator[bytes]:
        host, port = self.address
        connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
        try:
            connection.request(method, where, content, dict(headers))
            answer = connection.getresponse()
            if answer.status >= http.client.BAD_REQUEST:
                raise ApiError(_refusal(answer.read(PIECE_BYTES), answer.status), answer.status)
            while piece := answer.read(PIECE_BYTES):
                yield piece
        except (OSError, http.client.HTTPException) as error:
            raise ApiError(
                f"MaCo's API at {host}:{port} does not answer: {str(error) or type(error).__name__}"
            ) from error
        finally:
            connection.close()


def _refusal(content: bytes, status: int) -> str:
    try:
        return str(json.loads(content)["error"])
    except (ValueError, KeyError, TypeError):
        return f"MaCo's API answered with status {status}"
