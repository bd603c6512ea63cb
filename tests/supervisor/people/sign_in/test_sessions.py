"""Sessions in memory: found by their secret, and ended by idleness and age."""

from __future__ import annotations

from supervisor.people.sign_in.sessions import STORE_AFTER_MS, Lapsed, Sessions
from supervisor.protocol.messages import UserId
from supervisor.store.ports.people.sign_in import SignInSession, Way

NOW, HOUR_MS = 1_000_000_000, 3_600_000


def session(name: str, user: str = "alice") -> SignInSession:
    return SignInSession(
        id=name,
        user_id=UserId(user),
        way=Way.MAIL,
        source="",
        agent="",
        created_ms=NOW,
        used_ms=NOW,
        expires_ms=NOW + 10 * HOUR_MS,
    )


def test_they_are_found_until_they_are_removed() -> None:
    sessions = Sessions(HOUR_MS)
    sessions.replace([(b"1", session("one"))])
    sessions.add(b"2", session("two", "bob"))
    assert sessions.find(b"1") == sessions.get("one") == session("one")
    assert sessions.find(b"3") is sessions.get("three") is None
    assert [found.id for found in sessions.of(UserId("bob"))] == ["two"]
    sessions.remove("one")
    sessions.remove("one")
    assert sessions.find(b"1") is None
    assert [found.id for found in sessions.all()] == ["two"]


def test_use_prolongs_up_to_the_absolute_limit() -> None:
    sessions = Sessions(HOUR_MS)
    sessions.add(b"1", session("one"))
    assert sessions.lapsed(session("one"), NOW + HOUR_MS - 1) is None
    assert sessions.lapsed(session("one"), NOW + HOUR_MS) is Lapsed.IDLE
    assert not sessions.used(session("one"), NOW + STORE_AFTER_MS - 1)
    assert sessions.used(session("one"), NOW + HOUR_MS - 1)
    used = sessions.get("one")
    assert used is not None
    assert sessions.lapsed(used, NOW + HOUR_MS) is None
    assert sessions.lapsed(used, NOW + 10 * HOUR_MS) is Lapsed.EXPIRED


def test_a_clock_that_goes_back_five_minutes_ends_nothing() -> None:
    sessions = Sessions(HOUR_MS)
    sessions.add(b"1", session("one"))
    assert sessions.lapsed(session("one"), NOW - 300_000) is None
    assert not sessions.used(session("one"), NOW - 300_000)
