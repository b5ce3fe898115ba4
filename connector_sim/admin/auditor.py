"""The audit log of what is asked of the administration: changes with what was before, sign-ins, what was denied.

What a change was is found out by the API's own GET of the same thing, before and after it: what the API does not show
is not in the log either. Only what was done is told, so a change that was refused is none.
"""

from __future__ import annotations

import base64
import dataclasses
import http
import json
import urllib.parse
from collections.abc import Awaitable, Callable, Mapping

from connector_sim.admin.audited import LEVELS, Audited, operation_of, rule_of
from connector_sim.admin.call import Call
from connector_sim.admin.endpoint import Endpoint
from connector_sim.admin.errors import Refused
from connector_sim.admin.replies import JSON, Reply
from connector_sim.admin.router import Router
from connector_sim.exceptions import SettingsError
from connector_sim.http_server import HttpRequest
from connector_sim.logs.audit_entry import SERVICE, AuditEntry, Category, Operation
from connector_sim.logs.logs import ConnectorLogs
from connector_sim.logs.names import CROSS_ACCOUNT
from connector_sim.logs.settings import TraceLevel
from connector_sim.logs.tracing import ADMINISTRATION_THREAD, SECURITY

Answer = Callable[[Endpoint, Call], Awaitable[Reply]]

NOBODY, UNREADABLE = "(nobody)", "(unreadable)"
"""Who shows an empty name, or something that is none."""


class Auditor:
    """Looks on while one administration answers."""

    def __init__(self, logs: ConnectorLogs, router: Router, answer: Answer) -> None:
        self._logs = logs
        self._router = router
        self._answer = answer

    async def changed(self, endpoint: Endpoint, call: Call) -> Reply:
        """Answer a request that changes something, and tell what it has changed. Raises what the endpoint raises."""
        if self._logs.places is None:
            return await self._answer(endpoint, call)
        rule = rule_of(endpoint.path)
        adds = rule.adds and endpoint.method == "POST"
        before = None if adds else await self._look(call, rule)
        reply = await self._answer(endpoint, call)
        after = await (self._read(call, _location(reply)) if adds else self._look(call, rule))
        operation = operation_of(endpoint.method, rule, was_there=before is not None)
        subject = self._names(_location(reply)) if adds else _subject(call)
        for category, values in _renamed(call) if rule.renames else rule.changes(before, after):
            self._tell(call, category, operation, subject, values)
        return reply

    def undone(self, endpoint: Endpoint, call: Call) -> None:
        """Tell that a change of which ``changed`` has told could not be saved."""
        category, *more = rule_of(endpoint.path).categories
        what = _subject(call) if more else f"{category} {_subject(call)}"
        text = f"The change of {what} by user {call.user} could not be saved and was undone"
        entry = AuditEntry(call.installation.now(), SERVICE, call.user, _subject(call), message=text)
        self._logs.audit.changed(_scope(call, category), entry, even_if_off=category in LEVELS)

    def signed_in(self, user: str) -> None:
        """Tell of a user who had no session."""
        self._logs.audit.signed_in(user, "by a first session")

    def refused(self, request: HttpRequest, refusal: Refused, user: str) -> None:
        """Tell of a request that was not granted, if that concerns security."""
        subject = f"{request.method} {request.path}"
        if refusal.status == http.HTTPStatus.UNAUTHORIZED:
            if shown := _user(request):
                self._logs.audit.not_signed_in(shown, subject)
                text = f"Returned Http Response with code {refusal.status} to {shown}"
                self._logs.limited_trace(TraceLevel.INFO, SECURITY, text, thread=ADMINISTRATION_THREAD)
        elif refusal.status == http.HTTPStatus.FORBIDDEN:
            self._logs.audit.request_denied(user, subject, refusal.message)

    def _tell(
        self, call: Call, category: Category, operation: Operation, subject: str, values: tuple[str, str]
    ) -> None:
        scope, even_if_off = _scope(call, category), category in LEVELS
        self._logs.changed(call.user, operation, category, subject, values, scope=scope, even_if_off=even_if_off)

    def _names(self, path: str) -> str:
        """Return what a path names."""
        found = self._router.find(path)
        return _joined(found.parameters) if found else path

    async def _look(self, call: Call, rule: Audited) -> object:
        """Return the thing that a request concerns as the API shows it now; None if it shows none."""
        if rule.above is None:
            return None
        return await self._read(call, call.request.path.rsplit("/", rule.above)[0])

    async def _read(self, call: Call, path: str) -> object:
        found = self._router.find(path)
        endpoint = found.methods.get("GET") if found else None
        if found is None or endpoint is None:
            return None
        looks = dataclasses.replace(call, request=HttpRequest("GET", path, {}, b""), parameters=found.parameters)
        try:
            reply = await self._answer(endpoint, looks)
        except (Refused, SettingsError):
            return None
        return json.loads(reply.body) if reply.content_type == JSON else None


def _renamed(call: Call) -> list[tuple[Category, tuple[str, str]]]:
    """Return what a user has changed of himself: his name, with both, or his password, of which nothing is told."""
    fields = call.fields()
    if "user" not in fields:
        return [(Category.SCC_PASSWORD, ("", ""))]
    return [(Category.SCC_USER, (f"{{user={call.user}}}", f"{{user={fields.text('user')}}}"))]


def _scope(call: Call, category: Category) -> str:
    return CROSS_ACCOUNT if category is Category.ACCOUNT else call.parameters.get("subaccount", CROSS_ACCOUNT)


def _location(reply: Reply) -> str:
    return urllib.parse.urlsplit(dict(reply.headers).get("Location", "")).path


def _subject(call: Call) -> str:
    """Return what a request concerns: the names in its path, or else the last word of that."""
    return _joined(call.parameters) or call.request.path.rpartition("/")[2]


def _joined(names: Mapping[str, str]) -> str:
    return "/".join(value for name, value in names.items() if name != "region_host")


def _user(request: HttpRequest) -> str:
    """Return the name that somebody shows by Basic or in a form, whoever he is; empty if none is shown."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    try:
        if scheme.lower() == "basic":
            return base64.b64decode(credentials.strip(), validate=True).decode().partition(":")[0] or NOBODY
        found = json.loads(request.body) if request.body else None
    except (ValueError, RecursionError):
        return UNREADABLE if scheme else ""
    return str(found["user"]) if isinstance(found, dict) and "user" in found else ""
