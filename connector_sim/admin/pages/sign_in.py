"""Sign in to the pages and out again, and who may do what there; the REST API has no paths for these.

A wrong password is answered without ``WWW-Authenticate``, so that no browser asks by a window of its own; a session
begins as a request by Basic begins one, and ends where the user says so.
"""

from __future__ import annotations

import http
from typing import Any

from connector_sim.admin.call import Call
from connector_sim.admin.endpoint import LAB, Endpoint
from connector_sim.admin.errors import ErrorType, Refused
from connector_sim.admin.pages.files import refuse_other_names
from connector_sim.admin.replies import JSON, Reply, as_json, no_content, ok
from connector_sim.admin.roles import ADMINISTRATOR, CONNECTOR, LOGS, MONITORING, READ, WRITE
from connector_sim.admin.sessions import Session, session_id
from connector_sim.admin.users import User

SESSION = f"{LAB}/session"

RIGHTS = {
    "subaccounts": WRITE,
    "connector": CONNECTOR,
    "administrator": ADMINISTRATOR,
    "logs": LOGS,
    "monitoring": MONITORING,
}
"""What a page asks before it shows a button; the API asks again."""


def _who(call: Call) -> Reply:
    """Tell who is signed in by the session's cookie; ``user`` is null if nobody is."""
    refuse_other_names(call)
    shown = session_id(call.request.headers.get("cookie", ""))
    session = call.installation.sessions.find(shown) if shown else None
    user = call.installation.users.get(session.user) if session else None
    return _told(call, user, session) if user and session else ok({"user": None})


def _sign_in(call: Call) -> Reply:
    refuse_other_names(call)
    fields = call.fields()
    user = call.installation.users.with_password(fields.text("user"), fields.text("password"))
    if user is None:
        text = "The user or the password is wrong"
        raise Refused(ErrorType.ERROR, text, status=http.HTTPStatus.UNAUTHORIZED)
    return _told(call, user, call.installation.sessions.begin(user.name))


def _sign_out(call: Call) -> Reply:
    call.installation.sessions.end(session_id(call.request.headers.get("cookie", "")))
    return no_content()


def _users(call: Call) -> Reply:
    """List who may sign in; the product has one user of its own and the others from LDAP."""
    users = call.installation.users.all()
    return ok({"users": [{"user": each.name, "roles": sorted(each.roles)} for each in users]})


def _told(call: Call, user: User, session: Session) -> Reply:
    shape: dict[str, Any] = {
        "user": user.name,
        "roles": sorted(user.roles),
        "rights": [name for name, roles in RIGHTS.items() if roles & user.roles],
        "mustChangePassword": user.must_change,
        "regionHost": call.installation.settings.region_host,
    }
    return Reply(http.HTTPStatus.OK, as_json(shape), JSON, session.headers)


ENDPOINTS = (
    Endpoint("GET", SESSION, None, _who),
    Endpoint("POST", SESSION, None, _sign_in, body="json", only_asks=True),
    Endpoint("DELETE", SESSION, READ, _sign_out, before_first_change=True, only_asks=True),
    Endpoint("GET", f"{LAB}/users", ADMINISTRATOR, _users),
)
