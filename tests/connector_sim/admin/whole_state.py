"""Everything that the administration shows, to be compared before and after what must not change anything.

It is asked in the lab's own loop, without a socket: what passes through TLS is for other tests.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from connector_sim.admin.endpoints import ENDPOINTS
from connector_sim.http_server import HttpRequest, RawAnswer
from maco_lab.testing.lab import Lab
from tests.connector_sim.admin.client import basic
from tests.connector_sim.admin.permissions import KNOWN, named

CHANGING = ("/exposed", "/api/monitoring/memory", "/api/monitoring/disk", "/api/monitoring/cpu", "/maco-lab")
"""What changes by itself, and what never does."""
ALL = [each for each in ENDPOINTS if each.method == "GET" and not each.path.startswith(CHANGING)]


def asked(
    lab: Lab, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None, query: str = ""
) -> RawAnswer:
    """Ask the administration of the lab's first Cloud Connector as Administrator."""
    sent = {"host": "scc", "authorization": basic("Administrator", "manage"), "connection": "close", **(headers or {})}
    application = next(iter(lab.running.administrations.values()))._application
    return lab.thread.loop.run(application.handle(HttpRequest(method, path, sent, body, query)))


def whole_state(lab: Lab) -> dict[str, object]:
    """Return what every path shows that can be read."""
    return {path: shown(lab, path) for each in ALL if (path := named(each.path, KNOWN))}


def shown(lab: Lab, path: str) -> object:
    answer = asked(lab, "GET", path)
    kind = dict(answer.headers).get("Content-Type")
    return answer.status, json.loads(answer.body) if kind == "application/json" else answer.body


def refusal(answer: RawAnswer) -> tuple[int, str, str]:
    """Return an error's status, type and message, and that there is nothing else in it."""
    content = json.loads(answer.body)
    assert list(content) == ["type", "message"]
    return answer.status, content["type"], content["message"]
