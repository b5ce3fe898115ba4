"""Sessions: a cookie that stands for a user, and the token that must come back with it. Pure but for chance.

Rules (SAP, "Cloud Connector REST APIs"): the first answer has ``JSESSIONID`` and ``X-CSRF-Token``; a request that
changes something by the cookie must bring the token. A request by Basic alone needs neither (recorded: 99 such
requests changed data), though every answer to one carries both.
"""

from __future__ import annotations

import collections
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

MOST = 256
"""How many sessions are kept; every request by Basic begins one, so the one unused for longest goes first."""


@dataclass(slots=True)
class Session:
    """One session."""

    id: str = field(repr=False)
    token: str = field(repr=False)
    user: str
    used_at: float

    def is_token(self, shown: str) -> bool:
        """Tell whether this is the session's token."""
        return hmac.compare_digest(self.token.encode(), shown.encode())


class Sessions:
    """The sessions of one connector."""

    def __init__(self, lifetime_s: float, clock: Callable[[], float]) -> None:
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._sessions: collections.OrderedDict[str, Session] = collections.OrderedDict()

    def begin(self, user: str) -> Session:
        """Return a new session."""
        if len(self._sessions) >= MOST:
            self._sessions.popitem(last=False)
        session = Session(secrets.token_hex(16).upper(), secrets.token_hex(16).upper(), user, self._clock())
        self._sessions[session.id] = session
        return session

    def find(self, session_id: str) -> Session | None:
        """Return a session that is alive, which counts as its use."""
        session = self._sessions.get(session_id)
        if session is None:
            return None
        if self._clock() - session.used_at > self._lifetime_s:
            del self._sessions[session_id]
            return None
        session.used_at = self._clock()
        self._sessions.move_to_end(session_id)
        return session

    def end(self, session_id: str) -> None:
        """Forget a session."""
        self._sessions.pop(session_id, None)

    def end_all(self) -> None:
        """Forget every session."""
        self._sessions.clear()


def session_id(cookies: str) -> str:
    """Return the value of ``JSESSIONID`` in a Cookie header; empty if there is none."""
    for each in cookies.split(";"):
        name, _, value = each.strip().partition("=")
        if name == "JSESSIONID":
            return value
    return ""
