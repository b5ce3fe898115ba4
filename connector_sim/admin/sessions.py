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
"""How many sessions are kept. Every request by Basic begins one, and most of them are never shown again: these go
first, so that automation signs out nobody who uses the pages."""


@dataclass(slots=True)
class Session:
    """One session."""

    id: str = field(repr=False)
    token: str = field(repr=False)
    user: str
    used_at: float
    was_shown: bool = False
    """Whether its cookie ever came back."""

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """What an answer tells of it."""
        return ("Set-Cookie", f"JSESSIONID={self.id}; Path=/; Secure; HttpOnly"), ("X-Csrf-Token", self.token)

    def is_token(self, shown: str) -> bool:
        """Tell whether this is the session's token."""
        return hmac.compare_digest(self.token.encode(), shown.encode())


class Sessions:
    """The sessions of one connector."""

    def __init__(self, lifetime_s: float, clock: Callable[[], float]) -> None:
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._sessions: collections.OrderedDict[str, Session] = collections.OrderedDict()
        self.when_signed_in: Callable[[str], object] = lambda _: None
        """Called with a user who begins a session and has no other."""

    def begin(self, user: str) -> Session:
        """Return a new session."""
        if not self._has_one(user):
            self.when_signed_in(user)
        if len(self._sessions) >= MOST:
            never_shown = (each.id for each in self._sessions.values() if not each.was_shown)
            del self._sessions[next(never_shown, next(iter(self._sessions)))]
        session = Session(_secret(), _secret(), user, self._clock())
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
        session.used_at, session.was_shown = self._clock(), True
        self._sessions.move_to_end(session_id)
        return session

    def _has_one(self, user: str) -> bool:
        oldest = self._clock() - self._lifetime_s
        return any(each.user == user and each.used_at >= oldest for each in reversed(self._sessions.values()))

    def is_known(self, session: Session) -> bool:
        """Tell whether a session has not been ended."""
        return session.id in self._sessions

    def renew(self, session: Session, user: str) -> None:
        """Let a session go on by another cookie and token, and perhaps another name; who has the old ones has none."""
        if self._sessions.pop(session.id, None) is not None:
            session.id, session.token, session.user = _secret(), _secret(), user
            self._sessions[session.id] = session

    def end(self, session_id: str) -> None:
        """Forget a session."""
        self._sessions.pop(session_id, None)

    def end_of(self, user: str, but: Session | None = None) -> None:
        """Forget every session of a user, ``but`` one."""
        for each in [each for each in self._sessions.values() if each.user == user and each is not but]:
            del self._sessions[each.id]

    def end_all(self) -> None:
        """Forget every session."""
        self._sessions.clear()


def _secret() -> str:
    return secrets.token_hex(16).upper()


def session_id(cookies: str) -> str:
    """Return the value of ``JSESSIONID`` in a Cookie header; empty if there is none."""
    for each in cookies.split(";"):
        name, _, value = each.strip().partition("=")
        if name == "JSESSIONID":
            return value
    return ""
