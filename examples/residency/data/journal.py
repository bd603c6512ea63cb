"""Writes of the schedule, each at the version that its preview saw; what was written, by whom; and its way back."""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from examples.residency.data.database import Database, insert_shifts
from examples.residency.data.edits import Edit, inverse_of
from examples.residency.data.entities import Shift, ShiftId
from examples.residency.data.reading import SELECT_SHIFTS, shift_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts, as the caller of the server says.

    Attributes:
        id: the user.
        name: how they are called.
        chat: the id of the conversation in which they act; empty = none.
    """

    id: str
    name: str
    chat: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One write.

    Attributes:
        version: the version that it made.
        summary: one sentence with ids of people, never their names.
        at: the moment.
        rolls_back: the change that it takes back, or `None`.
        rolled_back_by: the change that took it back, or `None`.
    """

    id: str
    version: int
    tool: str
    summary: str
    actor: str
    actor_name: str
    at: int
    edits: tuple[Edit, ...]
    rolls_back: str | None
    rolled_back_by: str | None


class StaleVersionError(Exception):
    """The schedule has changed since the preview.

    Attributes:
        seen: the version of the preview.
        current: the version now.
        since: the changes between them, oldest first.
    """

    def __init__(self, seen: int, current: int, since: Sequence[Change]) -> None:
        super().__init__(f"the schedule is at version {current}, not {seen}")
        self.seen = seen
        self.current = current
        self.since = tuple(since)


class UnknownChangeError(LookupError):
    """There is no such change."""


class NotReversibleError(Exception):
    """A change cannot be taken back.

    Attributes:
        by: the later changes of the same shifts; empty = it was taken back already.
    """

    def __init__(self, change_id: str, by: Sequence[Change]) -> None:
        super().__init__(f"change {change_id} cannot be rolled back")
        self.change_id = change_id
        self.by = tuple(by)


class Journal:
    """Writes to the schedule of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, edits: Sequence[Edit], *, version: int, tool: str, summary: str, actor: Actor) -> Change:
        """Make all edits or none, and count the version up.

        Raises:
            StaleVersionError: the schedule is at another version.
        """
        with self._database.writing() as connection:
            _check(connection, version)
            return _apply(connection, edits, version, tool=tool, summary=summary, actor=actor, rolls_back=None)

    def roll_back(self, change_id: str, *, version: int, summary: str, actor: Actor) -> Change:
        """Take a change back, whole.

        Raises:
            StaleVersionError: the schedule is at another version.
            UnknownChangeError: there is no such change.
            NotReversibleError: it was taken back, or a later change touched one of its shifts.
        """
        with self._database.writing() as connection:
            _check(connection, version)
            change = _change(connection, change_id)
            later = [other for other in _changes(connection, change.version) if _touches(other, change)]
            if change.rolled_back_by is not None:
                raise NotReversibleError(change_id, ())
            if any(_now(connection, edit.shift_id) != edit.after for edit in change.edits):
                raise NotReversibleError(change_id, later)
            edits = inverse_of(change.edits)
            return _apply(
                connection,
                edits,
                version,
                tool="rollback_change",
                summary=summary,
                actor=actor,
                rolls_back=change_id,
            )

    def change(self, change_id: str) -> Change:
        """Return a change.

        Raises:
            UnknownChangeError: there is none.
        """
        with self._database.reading() as connection:
            return _change(connection, change_id)

    def changes(self, after: int = 0) -> list[Change]:
        """Return the changes that made versions after `after`, oldest first."""
        with self._database.reading() as connection:
            return _changes(connection, after)


def dump_edits(edits: Iterable[Edit]) -> str:
    """Return edits as JSON; equal edits give equal text."""
    rows = [[None if shift is None else asdict(shift) for shift in (edit.before, edit.after)] for edit in edits]
    return json.dumps(rows, sort_keys=True, separators=(",", ":"))


def load_edits(text: str) -> tuple[Edit, ...]:
    """Return the edits of a text of `dump_edits`."""
    return tuple(Edit(*(None if shift is None else _shift(shift) for shift in pair)) for pair in json.loads(text))


def _shift(fields: dict[str, object]) -> Shift:
    names = ("id", "person_id", "rotation_id", "kind", "start", "end")
    return shift_of(tuple(fields[name] for name in names))  # type: ignore[arg-type]


def _check(connection: sqlite3.Connection, version: int) -> None:
    (current,) = connection.execute("SELECT version FROM programme").fetchone()
    if current != version:
        raise StaleVersionError(version, current, _changes(connection, version))


def _apply(
    connection: sqlite3.Connection,
    edits: Sequence[Edit],
    version: int,
    *,
    tool: str,
    summary: str,
    actor: Actor,
    rolls_back: str | None,
) -> Change:
    gone = [edit.before.id for edit in edits if edit.before is not None]
    connection.executemany("DELETE FROM shifts WHERE id = ?", ((shift_id,) for shift_id in gone))
    insert_shifts(connection, (edit.after for edit in edits if edit.after is not None))
    change_id, now = f"c-{uuid.uuid4().hex[:10]}", int(time.time())
    connection.execute("UPDATE programme SET version = ?", (version + 1,))
    connection.execute(
        "INSERT INTO changes (id, version, tool, summary, actor, actor_name, at_s, edits, rolls_back) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (change_id, version + 1, tool, summary, actor.id, actor.name, now, dump_edits(edits), rolls_back),
    )
    return _change(connection, change_id)


_SELECT_CHANGES = """
SELECT c.id, c.version, c.tool, c.summary, c.actor, c.actor_name, c.at_s, c.edits, c.rolls_back,
    (SELECT id FROM changes AS r WHERE r.rolls_back = c.id)
FROM changes AS c
"""


def _change(connection: sqlite3.Connection, change_id: str) -> Change:
    row = connection.execute(f"{_SELECT_CHANGES} WHERE c.id = ?", (change_id,)).fetchone()
    if row is None:
        raise UnknownChangeError(change_id)
    return _change_of(row)


def _changes(connection: sqlite3.Connection, after: int) -> list[Change]:
    rows = connection.execute(f"{_SELECT_CHANGES} WHERE c.version > ? ORDER BY c.version", (after,))
    return [_change_of(row) for row in rows]


def _change_of(row: tuple[str, int, str, str, str, str, int, str, str | None, str | None]) -> Change:
    change_id, version, tool, summary, actor, actor_name, at, edits, rolls_back, rolled_back_by = row
    return Change(
        id=change_id,
        version=version,
        tool=tool,
        summary=summary,
        actor=actor,
        actor_name=actor_name,
        at=at,
        edits=load_edits(edits),
        rolls_back=rolls_back,
        rolled_back_by=rolled_back_by,
    )


def _now(connection: sqlite3.Connection, shift_id: ShiftId) -> Shift | None:
    row = connection.execute(f"{SELECT_SHIFTS} WHERE id = ?", (shift_id,)).fetchone()
    return None if row is None else shift_of(row)


def _touches(change: Change, other: Change) -> bool:
    mine = {edit.shift_id for edit in change.edits}
    return any(edit.shift_id in mine for edit in other.edits)
