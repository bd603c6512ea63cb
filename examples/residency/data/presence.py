"""Who else works on the schedule."""

from __future__ import annotations

import time
from dataclasses import dataclass

from examples.residency.data.database import Database
from examples.residency.data.journal import Actor

RECENT_SECONDS = 15 * 60
"""Whoever did something within this time counts as working on the schedule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What somebody did last, in one chat.

    Attributes:
        doing: such as `previewing a swap`.
        at: the moment.
    """

    actor: str
    actor_name: str
    doing: str
    at: int


class Presence:
    """The users who preview and write, each with the last thing that they did."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, actor: Actor, doing: str) -> None:
        """Record what somebody does."""
        now = int(time.time())
        with self._database.writing() as connection:
            connection.execute("DELETE FROM presence WHERE at_s < ?", (now - RECENT_SECONDS,))
            connection.execute(
                "INSERT INTO presence VALUES (?, ?, ?, ?, ?) ON CONFLICT (actor, chat) DO UPDATE "
                "SET actor_name = excluded.actor_name, doing = excluded.doing, at_s = excluded.at_s",
                (actor.id, actor.chat, actor.name, doing, now),
            )

    def others(self, actor: Actor) -> list[Present]:
        """Return who else did something within the last 15 minutes, the latest first; another chat counts too."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT actor, actor_name, doing, at_s FROM presence WHERE at_s >= ? AND (actor, chat) != (?, ?) "
                "ORDER BY at_s DESC, actor",
                (int(time.time()) - RECENT_SECONDS, actor.id, actor.chat),
            ).fetchall()
        return [Present(actor=row[0], actor_name=row[1], doing=row[2], at=row[3]) for row in rows]
