"""Who has a chat open, and who is writing."""

from __future__ import annotations

from supervisor.protocol.messages import UserId
from supervisor.wires.chat.frames import Present
from supervisor.wires.chat.rooms.attendance import WRITING_SECONDS, Attendance

ALICE, BOB = UserId("alice"), UserId("bob")


def states(presence: Attendance) -> list[tuple[str, str]]:
    return [(user.id, user.state) for user in presence.frame().users]


def test_a_person_with_two_tabs_is_there_once() -> None:
    presence = Attendance()
    presence.came("one", ALICE)
    presence.came("two", ALICE)
    presence.came("three", BOB)
    assert list(presence.frame().users) == [Present(id="alice", state="viewing"), Present(id="bob", state="viewing")]
    presence.left("one")
    presence.left("three")
    presence.left("three")
    assert states(presence) == [("alice", "viewing")]


def test_who_types_is_writing_for_some_seconds() -> None:
    presence = Attendance()
    presence.came("one", ALICE)
    assert presence.types("one", 0.0)
    assert not presence.types("one", 1.0)
    assert states(presence) == [("alice", "writing")]
    assert not presence.stopped(WRITING_SECONDS)
    assert presence.stopped(1.0 + WRITING_SECONDS)
    assert not presence.stopped(1.0 + WRITING_SECONDS)
    assert states(presence) == [("alice", "viewing")]


def test_who_has_sent_the_message_writes_no_more() -> None:
    presence = Attendance()
    presence.came("one", ALICE)
    assert not presence.wrote("one")
    presence.types("one", 0.0)
    assert presence.wrote("one")
    assert states(presence) == [("alice", "viewing")]


def test_who_leaves_writes_no_more() -> None:
    presence = Attendance()
    presence.came("one", ALICE)
    presence.came("two", ALICE)
    presence.types("one", 0.0)
    presence.left("one")
    assert states(presence) == [("alice", "viewing")]
    assert not presence.stopped(100.0)
