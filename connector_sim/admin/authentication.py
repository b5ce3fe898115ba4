"""The user's own password and name, and which kind of authentication there is ("Authentication and UI Settings")."""

from __future__ import annotations

from connector_sim.admin.call import Call
from connector_sim.admin.endpoint import Endpoint
from connector_sim.admin.replies import Reply, no_content, ok
from connector_sim.admin.roles import ADMINISTRATOR, READ

PATH = "/api/v1/configuration/connector/authentication"


def _change(call: Call) -> Reply:
    """Change the password by {oldPassword, newPassword}, or the name by {password, user}.

    Every session of the user ends, but that of the change itself, which goes on by another cookie and token.
    """
    fields = call.fields()
    users, sessions, name = call.installation.users, call.installation.sessions, call.user
    if "user" in fields:
        name = fields.text("user")
        users.rename(call.user, fields.text("password"), name)
    else:
        users.change_password(call.user, fields.text("oldPassword"), fields.text("newPassword"))
    sessions.end_of(call.user, but=call.session)
    if call.session:
        sessions.renew(call.session, name)
    return no_content()


def _authentication(call: Call) -> Reply:
    return ok({"type": "basic", "configuration": {"user": call.user}})


ENDPOINTS = (
    Endpoint("GET", PATH, READ, _authentication),
    Endpoint("PUT", f"{PATH}/basic", ADMINISTRATOR, _change, body="json", before_first_change=True, on_shadow=True),
)
