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


def test_a_session_that_is_used_stays_however_many_begin() -> None:
    sessions = Sessions(10.0, lambda: 0.0)
    page = sessions.begin("me")
    sessions.find(page.id)
    for _ in range(2 * MOST):
        sessions.begin("automation")
    assert sessions.find(page.id) is page


def test_among_sessions_that_are_used_the_one_unused_for_longest_makes_room() -> None:
    sessions = Sessions(10.0, lambda: 0.0)
    begun = [sessions.begin("me") for _ in range(MOST)]
    for each in [*begun[1:], begun[0]]:
        sessions.find(each.id)
    sessions.begin("me")
    assert sessions.find(begun[1].id) is None
    assert sessions.find(begun[0].id) is begun[0]


def test_a_session_that_is_renewed_is_found_by_its_new_cookie_alone() -> None:
    sessions = Sessions(10.0, lambda: 0.0)
    session = sessions.begin("me")
    old_id, old_token = session.id, session.token
    sessions.renew(session, "chief")
    assert sessions.find(old_id) is None
    assert sessions.find(session.id) is session
    assert (session.user, session.is_token(old_token)) == ("chief", False)


def test_a_session_that_has_ended_is_not_renewed() -> None:
    sessions = Sessions(10.0, lambda: 0.0)
    session = sessions.begin("me")
    sessions.end(session.id)
    sessions.renew(session, "me")
    assert not sessions.is_known(session)


def test_the_cookie_is_found_among_others() -> None:
    assert session_id("a=b; JSESSIONID=ABC; c=d") == "ABC"
    assert session_id("a=b; XJSESSIONID=ABC") == ""


def test_a_session_shows_no_secret() -> None:
    session = Sessions(10.0, lambda: 0.0).begin("me")
    assert session.id not in repr(session)
    assert session.token not in repr(session)
