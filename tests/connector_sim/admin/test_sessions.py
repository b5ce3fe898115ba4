from __future__ import annotations

from connector_sim.admin.sessions import MOST, Sessions, session_id


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_session_ends_when_nobody_uses_it() -> None:
    clock = Clock()
    sessions = Sessions(10.0, clock)
    session = sessions.begin("me")
    clock.now = 10.0
    assert sessions.find(session.id) is session
    clock.now = 20.0  # it was used at 10
    assert sessions.find(session.id) is session
    clock.now = 30.1
    assert sessions.find(session.id) is None


def test_the_session_unused_for_longest_makes_room() -> None:
    sessions = Sessions(10.0, lambda: 0.0)
    first, second = sessions.begin("me"), sessions.begin("me")
    sessions.find(first.id)
    for _ in range(MOST - 1):
        sessions.begin("me")
    assert sessions.find(first.id) is first
    assert sessions.find(second.id) is None


def test_the_cookie_is_found_among_others() -> None:
    assert session_id("a=b; JSESSIONID=ABC; c=d") == "ABC"
    assert session_id("a=b; XJSESSIONID=ABC") == ""


def test_a_session_shows_no_secret() -> None:
    session = Sessions(10.0, lambda: 0.0).begin("me")
    assert session.id not in repr(session)
    assert session.token not in repr(session)
