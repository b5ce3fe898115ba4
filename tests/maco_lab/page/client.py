"""A plain HTTP client of the page: one connection for each request, everything with a deadline."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from maco_wire.observation import Address

DEADLINE_S = 20.0


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def data(self) -> Any:
        return json.loads(self.content)


@dataclass(frozen=True)
class Event:
    kind: str
    id: str
    data: Any


class PageClient:
    def __init__(self, address: Address) -> None:
        self.address = address
        self.host = f"{address[0]}:{address[1]}"
        self.url = f"http://{self.host}"

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection(*self.address, timeout=DEADLINE_S)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        with contextlib.closing(connection):
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, None, **headers)

    def post(self, path: str, data: object, **headers: str) -> Answer:
        return self.ask("POST", path, json.dumps(data).encode(), Content_Type="application/json", **headers)

    @contextlib.contextmanager
    def events(self, last_event_id: str = "") -> Iterator[Iterator[Event]]:
        connection = http.client.HTTPConnection(*self.address, timeout=DEADLINE_S)
        with contextlib.closing(connection):
            connection.request("GET", "/api/events", headers={"Last-Event-ID": last_event_id} if last_event_id else {})
            with connection.getresponse() as response:
                assert response.status == 200, response.read()
                yield _events(response)

    @contextlib.contextmanager
    def raw(self, sent: bytes) -> Iterator[socket.socket]:
        with socket.create_connection(self.address, DEADLINE_S) as connection:
            connection.sendall(sent)
            yield connection


def _events(response: http.client.HTTPResponse) -> Iterator[Event]:
    fields: dict[str, str] = {}
    while line := response.readline():
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            fields[name] = value
        elif "event" in fields:
            yield Event(fields["event"], fields.get("id", ""), json.loads(fields["data"]))
            fields = {}
