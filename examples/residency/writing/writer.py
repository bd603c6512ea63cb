"""Previews and writes: the same edits, first shown, then made, and only at the version that was shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from examples.residency.analysis.effects import Effects, effects
from examples.residency.data.edits import Edit
from examples.residency.data.journal import Actor, Change, Journal, StaleVersionError
from examples.residency.data.presence import Presence, Present
from examples.residency.data.previews import Preview, Previews
from examples.residency.data.reading import Reader
from examples.residency.data.roster import Roster
from examples.residency.writing.requests import described


class NotShownError(Exception):
    """A write was asked for that no preview has shown."""


class UnknownPreviewError(LookupError):
    """There is no such preview, or none any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A preview.

    Attributes:
        version: what the write must carry.
        others: who else works on the schedule.
    """

    preview_id: str
    version: int
    summary: str
    edits: tuple[Edit, ...]
    effects: Effects
    others: tuple[Present, ...]


class Writer:
    """Shows and makes changes.

    Args:
        reader: reads the schedule.
        journal: writes it.
    """

    def __init__(self, reader: Reader, journal: Journal, previews: Previews, presence: Presence) -> None:
        self._reader = reader
        self._journal = journal
        self._previews = previews
        self._presence = presence

    def at(self, version: int) -> Roster:
        """Return the schedule, which must be at that version.

        Raises:
            StaleVersionError: it has changed since.
        """
        roster = self._reader.roster()
        if roster.version != version:
            raise StaleVersionError(version, roster.version, self._journal.changes(version))
        return roster

    def preview(self, roster: Roster, edits: Sequence[Edit], *, tool: str, doing: str, actor: Actor) -> Shown:
        """Show what edits would do; nothing of the schedule changes."""
        preview_id = self._previews.add(edits, version=roster.version, tool=tool, actor=actor)
        self._presence.note(actor, doing)
        return Shown(
            preview_id=preview_id,
            version=roster.version,
            summary=described(roster, edits),
            edits=tuple(edits),
            effects=effects(roster, edits),
            others=tuple(self._presence.others(actor)),
        )

    def write(self, roster: Roster, edits: Sequence[Edit], *, tool: str, doing: str, actor: Actor) -> Change:
        """Make edits that were shown at the version of `roster`.

        Raises:
            StaleVersionError: the schedule has changed since.
            NotShownError: it was not shown.
        """
        if not self._previews.was_shown(edits, version=roster.version):
            raise NotShownError(tool)
        change = self._journal.write(
            edits, version=roster.version, tool=tool, summary=described(roster, edits), actor=actor
        )
        self._presence.note(actor, doing)
        return change

    def shown(self, preview_id: str) -> Preview:
        """Return what a preview showed.

        Raises:
            UnknownPreviewError: there is none.
        """
        preview = self._previews.get(preview_id)
        if preview is None:
            raise UnknownPreviewError(preview_id)
        return preview

    def change(self, change_id: str) -> Change:
        """Return a change.

        Raises:
            UnknownChangeError: there is none.
        """
        return self._journal.change(change_id)

    def roll_back(self, change_id: str, *, version: int, actor: Actor) -> tuple[Change, Change]:
        """Take a change back, whole; return the new change and the one that it takes back.

        Raises:
            StaleVersionError: the schedule is at another version.
            UnknownChangeError: there is no such change.
            NotReversibleError: it was taken back, or something was built on it.
        """
        back = self._journal.change(change_id)
        made = self._journal.roll_back(change_id, version=version, summary=f"took back: {back.summary}", actor=actor)
        self._presence.note(actor, "rolling a change back")
        return made, back
