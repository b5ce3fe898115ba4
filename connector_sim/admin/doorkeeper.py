"""Find out who calls: by a session's cookie or by Basic. Pure but for the sessions it begins.

A session counts before Basic, so that a program that keeps its cookies must bring the session's token, as in the
product. ``Connection: close`` ends the session it comes with, and begins none.
"""

from __future__ import annotations

import http
from dataclasses import dataclass

from connector_sim.admin.errors import ErrorType, Refused
from connector_sim.admin.sessions import Session, Sessions, session_id
from connector_sim.admin.users import User, Users
from connector_sim.http_server import HttpRequest

REALM = 'Basic realm="Cloud Connector Administration"'


class SessionExpired(Exception):
    """The session is over, and nothing else says who calls: such a client gets the login page with 200."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and by which session; one that this request has ended is told of in no answer."""

    user: User
    session: Session | None
    by_cookie: bool = False


class Doorkeeper:
    """Lets users in."""

    def __init__(self, users: Users, sessions: Sessions) -> None:
        self._users = users
        self._sessions = sessions

    def let_in(self, request: HttpRequest) -> Caller:
        """Return who calls. Raises Refused with 401, or SessionExpired."""
        closes = "close" in request.headers.get("connection", "").lower()
        shown = session_id(request.headers.get("cookie", ""))
        session = self._sessions.find(shown) if shown else None
        user = self._users.get(session.user) if session else None
        if session and user:
            if closes:
                self._sessions.end(session.id)
            return Caller(user, session, by_cookie=True)
        user = self._users.signed_in(request.headers.get("authorization", ""))
        if user is None:
            raise self._refusal(shown, request)
        return Caller(user, None if closes else self._sessions.begin(user.name))

    def recognized(self, request: HttpRequest) -> User | None:
        """Return who seems to call, without letting anybody in: no session begins or ends."""
        shown = session_id(request.headers.get("cookie", ""))
        session = self._sessions.find(shown) if shown else None
        by_cookie = self._users.get(session.user) if session else None
        return by_cookie or self._users.signed_in(request.headers.get("authorization", ""))

    def _refusal(self, shown: str, request: HttpRequest) -> Exception:
        if shown and "authorization" not in request.headers:
            return SessionExpired()
        message = "Sign in by Basic: the user or the password is missing or wrong"
        headers = (("WWW-Authenticate", REALM),)
        return Refused(ErrorType.ERROR, message, status=http.HTTPStatus.UNAUTHORIZED, headers=headers)
