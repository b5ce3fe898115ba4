"""Answer one request of the API: who is it, what does it ask for, may it, then the endpoint; errors in one shape.

The order of refusals: 403 for the page of another web site, 401, 403 while the initial password is unchanged, 404 or
410, 405, 403 for roles, 403 without the session's token, 403 on a shadow, 415, then what the endpoint says. SAP
documents the codes, not their order.
"""

from __future__ import annotations

import gzip
import http
import logging
import re
import time
from collections.abc import Iterable

from connector_sim.admin.auditor import Auditor
from connector_sim.admin.call import Call
from connector_sim.admin.doorkeeper import Caller, Doorkeeper, SessionExpired
from connector_sim.admin.dropped import nothing_at
from connector_sim.admin.endpoint import Endpoint, Found
from connector_sim.admin.errors import ANY_ERROR, ErrorType, Refused, invalid
from connector_sim.admin.installation import Installation
from connector_sim.admin.replies import JSON, NO_STORE, Reply, as_json
from connector_sim.admin.router import Router, allowed
from connector_sim.admin.store import StoreError
from connector_sim.exceptions import SettingsError
from connector_sim.http_server import HttpRequest, RawAnswer

SERVER = "Cloud Connector"
MARKER = ("X-Simulated-By", "maco-lab")
"""Ours alone: whoever looks at an answer can tell that no real Cloud Connector gave it."""

LOGIN_PAGE = (
    "<!DOCTYPE html><html><head><title>Cloud Connector Administration</title></head>"
    "<body><h1>Login</h1><p>The session is over: sign in again.</p></body></html>"
)
_HOST = re.compile(r'[^\x00-\x20"<>\\/@\x7f-\U0010ffff]{1,260}')
UNDONE = "The change could not be saved, and was undone: see the log"
NOT_UNDONE = "The change could not be saved, and what is saved could not be read to undo it: see the log"

_NO_TYPE = ("none", "lenient")
_TYPES = {"json": "application/json", "multipart": "multipart/form-data"}

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_log = logging.getLogger(__name__)

_PHRASES = {http.HTTPStatus(413): "Request Entity Too Large", http.HTTPStatus(414): "Request-URI Too Long"}
"""Where Python 3.13 has other words than those before."""


class Application:
    """The API of one installation."""

    def __init__(self, installation: Installation, endpoints: Iterable[Endpoint]) -> None:
        self._installation = installation
        self._router = Router(endpoints)
        self._doorkeeper = Doorkeeper(installation.users, installation.sessions)
        self._auditor = Auditor(installation.connector.logs, self._router, _reply)
        installation.sessions.when_signed_in = self._auditor.signed_in

    async def handle(self, request: HttpRequest) -> RawAnswer:
        """Answer a request, whatever it is."""
        caller: Caller | None = None
        try:
            self._refuse_other_origin(request)
            found = self._router.find(request.path)
            if not _is_open(found, request.method):
                caller = self._doorkeeper.let_in(request)
            reply = await self._answer(request, found, caller)
        except SessionExpired:
            reply = Reply(http.HTTPStatus.OK, LOGIN_PAGE.encode(), "text/html;charset=UTF-8")
        except Refused as refusal:
            self._auditor.refused(request, refusal, caller.user.name if caller else "")
            reply = refused(refusal)
        except SettingsError as error:
            reply = refused(invalid(str(error)))
        except Exception:  # noqa: BLE001 - the last resort of one request: logged, and told to the client
            _log.exception("%s %s failed through a defect of this program", request.method, request.path)
            reply = refused(Refused(ErrorType.INTERNAL_SERVER_ERROR, ANY_ERROR))
        return self._complete(request, reply, caller)

    def larger_body_bytes(self, request: HttpRequest) -> int:
        """Return what the body of a request may have, as its head is; 0 for nothing beyond what every one may have.

        Only whoever may restore a backup can make this process hold one.
        """
        found = self._router.find(request.path)
        endpoint = found.methods.get(request.method) if found else None
        if endpoint is None or not endpoint.most_body_bytes:
            return 0
        user = self._doorkeeper.recognized(request)
        return endpoint.most_body_bytes if user and endpoint.roles and endpoint.roles & user.roles else 0

    async def _answer(self, request: HttpRequest, found: Found | None, caller: Caller | None) -> Reply:
        endpoint = found.methods.get(request.method) if found else None
        if caller and caller.user.must_change and not (endpoint and endpoint.before_first_change):
            raise Refused(ErrorType.FORBIDDEN, "Change the initial password first")
        if found is None:
            raise nothing_at(request.path)
        if endpoint is None:
            return _without_method(found, request.method)
        if caller:
            self._check(request, endpoint, caller)
        _check_type(request, endpoint)
        call = Call(
            self._installation,
            request,
            found.parameters,
            self._base(request),
            caller.user.name if caller else "",
            caller.user.roles if caller else frozenset(),
            caller.session if caller else None,
        )
        if not endpoint.changes:
            return await _reply(endpoint, call)
        try:
            async with self._installation.changing:  # one change at a time
                await self._installation.take_back()
                try:
                    reply = await self._auditor.changed(endpoint, call)
                finally:
                    kept = self._installation.keep()
            await kept
        except StoreError as error:
            _log.error("%s %s could not be kept: %s", request.method, request.path, error)
            reply = refused(await self._undone(endpoint, call))
        await self._installation.connector.logs.written()
        return reply

    async def _undone(self, endpoint: Endpoint, call: Call) -> Refused:
        """Take back what could not be kept, and return what the client is told."""
        try:
            async with self._installation.changing:
                await self._installation.take_back()
        except StoreError as error:
            _log.error("what could not be kept could not be undone: %s", error)
            return Refused(ErrorType.RUNTIME_FAILURE, NOT_UNDONE)
        self._auditor.undone(endpoint, call)
        return Refused(ErrorType.RUNTIME_FAILURE, UNDONE)

    def _check(self, request: HttpRequest, endpoint: Endpoint, caller: Caller) -> None:
        if endpoint.roles is not None and not endpoint.roles & caller.user.roles:
            needed = ", ".join(sorted(endpoint.roles))
            raise Refused(ErrorType.FORBIDDEN, f"This needs one of the roles {needed}")
        session = caller.session
        token = request.headers.get("x-csrf-token", "")
        if caller.by_cookie and endpoint.method != "GET" and not (session and session.is_token(token)):
            raise Refused(ErrorType.FORBIDDEN, "X-CSRF-Token of the session is missing or wrong")
        if endpoint.changes and not endpoint.on_shadow and self._installation.role == "shadow":
            raise Refused(ErrorType.FORBIDDEN_REQUEST, "This is a shadow: change the master")

    def _refuse_other_origin(self, request: HttpRequest) -> None:
        """Refuse what the page of another web site sends: a browser names it, and programs name none."""
        origin = request.headers.get("origin")
        if origin is not None and origin.lower() != self._base(request).lower():
            raise Refused(ErrorType.FORBIDDEN, "Origin: allowed: this server's own pages")

    def _base(self, request: HttpRequest) -> str:
        """Return the address as the client called it: links lead where the client can follow them."""
        host = request.headers.get("host", "")
        if not _HOST.fullmatch(host):
            raise Refused(ErrorType.ERROR, "Host: allowed: a name or address", status=http.HTTPStatus.BAD_REQUEST)
        return f"https://{host}"

    def _complete(self, request: HttpRequest, reply: Reply, caller: Caller | None) -> RawAnswer:
        headers = [("Server", SERVER), MARKER, ("Date", _date(self._installation.now()))]
        if caller and caller.session and self._installation.sessions.is_known(caller.session):
            headers += caller.session.headers
        headers += [("Cache-Control", reply.cache), *reply.headers]
        if reply.content_type:
            headers.append(("Content-Type", reply.content_type))
        body = reply.body
        if reply.varies:
            headers.append(("Vary", "accept-encoding"))
        if reply.varies and "gzip" in request.headers.get("accept-encoding", ""):
            body = gzip.compress(body, mtime=0)
            headers += [("Content-Encoding", "gzip"), ("Transfer-Encoding", "chunked")]
        elif reply.status != http.HTTPStatus.NO_CONTENT:
            headers.append(("Content-Length", str(len(body))))
        return RawAnswer(reply.status, tuple(headers), body)


async def _reply(endpoint: Endpoint, call: Call) -> Reply:
    reply = endpoint.answers(call)
    return reply if isinstance(reply, Reply) else await reply


def _date(now: float) -> str:
    """Return a moment as HTTP writes it (RFC 9110, section 5.6.7), in English whatever the locale."""
    at = time.gmtime(now)
    day, month = _DAYS[at.tm_wday], _MONTHS[at.tm_mon - 1]
    return f"{day}, {at.tm_mday:02} {month} {at.tm_year} {at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02} GMT"


def _is_open(found: Found | None, method: str) -> bool:
    endpoint = found.methods.get(method) if found else None
    return endpoint is not None and endpoint.roles is None


def _without_method(found: Found, method: str) -> Reply:
    """Answer OPTIONS, and 405 as it was recorded, down to its blanks and its Cache-Control."""
    allow = (("Allow", allowed(found)),)
    if method == "OPTIONS":
        return Reply(http.HTTPStatus.OK, headers=allow)
    body = b'{"type": "ERROR","message": "' + ANY_ERROR.encode() + b'"}'
    content_type = "application/json;charset=ISO-8859-1"
    return Reply(http.HTTPStatus.METHOD_NOT_ALLOWED, body, content_type, allow, cache="private")


def _check_type(request: HttpRequest, endpoint: Endpoint) -> None:
    """Let only the type pass that the endpoint reads ("else 415")."""
    if endpoint.body in _NO_TYPE or (endpoint.body == "json" and not request.body):
        return
    wanted = _TYPES[endpoint.body]
    found = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if found != wanted:
        message = f"Content-Type must be {wanted}"
        raise Refused(ErrorType.ERROR, message, status=http.HTTPStatus.UNSUPPORTED_MEDIA_TYPE)


def refused(refusal: Refused) -> Reply:
    """Return a refusal in its shape."""
    content = {"type": refusal.error.value, "message": refusal.message}
    return Reply(refusal.status, as_json(content), JSON, refusal.headers)


def unreadable(status: http.HTTPStatus) -> RawAnswer:
    """Return what is answered to a request that cannot be read, or is too large."""
    body = as_json({"type": ErrorType.ERROR.value, "message": _PHRASES.get(status, status.phrase)})
    headers = (("Server", SERVER), MARKER, ("Cache-Control", NO_STORE), ("Content-Type", JSON))
    return RawAnswer(status, (*headers, ("Content-Length", str(len(body)))), body)
