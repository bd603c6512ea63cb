"""What was shown before a write: a write needs a preview of the same edits at the same version."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from examples.residency.data.database import Database
from examples.residency.data.edits import Edit
from examples.residency.data.journal import Actor, dump_edits, load_edits

KEPT_SECONDS = 7 * 24 * 3600
"""How long a preview is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Edits that were shown, and the version of the schedule that they were made for."""

    id: str
    version: int
    tool: str
    edits: tuple[Edit, ...]


class Previews:
    """The previews of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, edits: Sequence[Edit], *, version: int, tool: str, actor: Actor) -> str:
        """Record that edits were shown; return the preview's id."""
        preview_id, now, text = f"p-{uuid.uuid4().hex[:10]}", int(time.time()), dump_edits(edits)
        with self._database.writing() as connection:
            connection.execute("DELETE FROM previews WHERE at_s < ?", (now - KEPT_SECONDS,))
            connection.execute(
                "INSERT INTO previews VALUES (?, ?, ?, ?, ?, ?, ?)",
                (preview_id, version, tool, _digest(text), text, actor.id, now),
            )
        return preview_id

    def was_shown(self, edits: Sequence[Edit], *, version: int) -> bool:
        """Say whether exactly these edits were shown at that version."""
        with self._database.reading() as connection:
            return (
                connection.execute(
                    "SELECT 1 FROM previews WHERE version = ? AND digest = ?", (version, _digest(dump_edits(edits)))
                ).fetchone()
                is not None
            )

    def get(self, preview_id: str) -> Preview | None:
        """Return a preview, or `None` where there is none, or none any more."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT version, tool, edits FROM previews WHERE id = ?", (preview_id,)).fetchone()
        if row is None:
            return None
        return Preview(id=preview_id, version=row[0], tool=row[1], edits=load_edits(row[2]))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
