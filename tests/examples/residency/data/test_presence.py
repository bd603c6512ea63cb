"""Who else works on the schedule."""

from __future__ import annotations

from pathlib import Path

from examples.residency.data.journal import Actor
from examples.residency.data.presence import Presence
from tests.examples.residency.small import stored

ALICE, CARL = Actor(id="alice", name="Alice", chat="1"), Actor(id="carl", name="Carl", chat="2")


def test_others_are_told_with_the_last_thing_that_they_did(tmp_path: Path) -> None:
    presence = Presence(stored(tmp_path)[0])
    presence.note(ALICE, "previewing a swap")
    presence.note(ALICE, "swapping shifts")
    presence.note(CARL, "previewing a change")
    assert [(one.actor, one.actor_name, one.doing) for one in presence.others(CARL)] == [
        ("alice", "Alice", "swapping shifts")
    ]
    elsewhere = Actor(id="carl", name="Carl", chat="3")
    assert {one.actor for one in presence.others(elsewhere)} == {"alice", "carl"}


def test_whoever_did_nothing_for_15_minutes_is_not_told(tmp_path: Path) -> None:
    database, _ = stored(tmp_path)
    presence = Presence(database)
    presence.note(ALICE, "previewing a swap")
    with database.writing() as connection:
        connection.execute("UPDATE presence SET at_s = at_s - 901")
    assert presence.others(CARL) == []
