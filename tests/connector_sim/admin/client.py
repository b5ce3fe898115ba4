"""A real HTTPS client of the administration: Python's own, which shows an answer as it came."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import re
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

TIMEOUT_S = 30.0

CHANGING = {
    "Date": re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"),
    "Set-Cookie": re.compile(r"JSESSIONID=[0-9A-F]{32}; Path=/; Secure; HttpOnly"),
    "X-Csrf-Token": re.compile(r"[0-9A-F]{32}"),
}
"""Headers whose value differs from answer to answer; their shape is checked instead."""

FIRST = [
    ("Server", "Cloud Connector"),
    ("X-Simulated-By", "maco-lab"),
    ("Date", "…"),
    ("Set-Cookie", "…"),
    ("X-Csrf-Token", "…"),
]
"""What every answer to a request by Basic begins with."""

NO_STORE = ("Cache-Control", "no-store")
JSON = ("Content-Type", "application/json")


@dataclass(frozen=True)
class Answer:
    """One answer, whole."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        return found[0] if found else None

    @property
    def whole(self) -> tuple[int, str, list[tuple[str, str]], str]:
        """Everything, with values that change from answer to answer as an ellipsis."""
        shown = []
        for name, value in self.headers:
            if pattern := CHANGING.get(name):
                assert pattern.fullmatch(value), (name, value)
                shown.append((name, "…"))
            else:
                shown.append((name, value))
        return self.status, self.reason, shown, self.text

    @property
    def refusal(self) -> tuple[int, str, str]:
        """An error body's type and message, and that there is nothing else in it."""
        content = self.json
        assert list(content) == ["type", "message"]
        return self.status, content["type"], content["message"]


def compact(content: object) -> str:
    """Return JSON as the connector writes it: key order counts."""
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False)


def length(content: str) -> tuple[str, str]:
    return "Content-Length", str(len(content.encode()))


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class AdminClient:
    """Calls one administration, each request on a connection of its own but for those of ``reading``."""

    def __init__(self, url: str, user: str = "Administrator", password: str = "manage") -> None:
        self.url = url
        self.address = url.removeprefix("https://")
        host, _, port = self.address.rpartition(":")
        pem = ssl.get_server_certificate((host, int(port)), timeout=TIMEOUT_S)
        self._context = ssl.create_default_context(cadata=pem)  # self-signed, as the product installs it
        self.authorization = basic(user, password)

    def as_user(self, user: str, password: str = "secret") -> AdminClient:
        other = object.__new__(AdminClient)
        other.__dict__ = {**self.__dict__, "authorization": basic(user, password)}
        return other

    def call(
        self,
        method: str,
        path: str,
        content: object = None,
        *,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send a request; ``content`` goes as JSON, ``body`` as it is. A header of None is left out."""
        sent = {"Authorization": self.authorization, **(headers or {})}
        if content is not None:
            body = compact(content).encode()
            sent.setdefault("Content-Type", "application/json")
        with self._connection() as connection:
            connection.request(method, path, body, {name: value for name, value in sent.items() if value})
            answer = connection.getresponse()
            return Answer(answer.status, answer.reason, answer.getheaders(), answer.read())

    @contextlib.contextmanager
    def reading(self) -> Iterator[Callable[[str], tuple[int, bytes]]]:
        """Yield what returns status and body of a path: one connection for many of them, which is far quicker."""
        with self._connection() as connection:

            def get(path: str) -> tuple[int, bytes]:
                connection.request("GET", path, headers={"Authorization": self.authorization})
                answer = connection.getresponse()
                return answer.status, answer.read()

            yield get

    def _connection(self) -> contextlib.closing[http.client.HTTPSConnection]:
        host, _, port = self.address.rpartition(":")
        return contextlib.closing(
            http.client.HTTPSConnection(host, int(port), timeout=TIMEOUT_S, context=self._context)
        )

    def get(self, path: str, **headers: str) -> Answer:
        return self.call("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def upload(self, method: str, path: str, **parts: bytes) -> Answer:
        """Send multipart/form-data."""
        kind, body = multipart(**parts)
        return self.call(method, path, headers={"Content-Type": kind}, body=body)


def multipart(**parts: bytes) -> tuple[str, bytes]:
    """Return a form's media type and body (RFC 7578)."""
    boundary = "----boundary"
    body = b"".join(
        b"--%s\r\nContent-Disposition: form-data; name=%s; filename=x.pem\r\n"
        b"Content-Type: application/octet-stream\r\n\r\n%s\r\n" % (boundary.encode(), name.encode(), content)
        for name, content in parts.items()
    )
    return f"multipart/form-data; boundary={boundary}", body + b"--%s--\r\n" % boundary.encode()
