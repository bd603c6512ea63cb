"""What every tool needs: the parts behind the server, the day that it is, and refusals as answers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from mcp.types import CallToolResult

from examples.residency.data.clock import Calendar, day_text
from examples.residency.data.database import Database
from examples.residency.data.journal import Journal, NotReversibleError, StaleVersionError, UnknownChangeError
from examples.residency.data.presence import Presence
from examples.residency.data.previews import Previews
from examples.residency.data.reading import Reader
from examples.residency.data.roster import Roster
from examples.residency.server import views
from examples.residency.server.answers import Refusal, refused, topic_of
from examples.residency.writing.requests import BadChangeError
from examples.residency.writing.writer import NotShownError, UnknownPreviewError, Writer

P = ParamSpec("P")


class Parts:
    """The parts behind the tools.

    Args:
        path: the database; it exists.
        today: the day to take for today, or `None` for the real one.
    """

    def __init__(self, path: Path, today: int | None = None) -> None:
        database = Database(path)
        self.database = database
        self.reader = Reader(database)
        self.journal = Journal(database)
        self.presence = Presence(database)
        self.writer = Writer(self.reader, self.journal, Previews(database), self.presence)
        self._today = today

    def today(self, calendar: Calendar) -> int:
        """Return the day that it is in the programme's time zone."""
        return calendar.today() if self._today is None else self._today

    def roster(self, schedule_id: str = "") -> Roster:
        """Return the schedule.

        Raises:
            Refusal: `schedule_id` is given, and is neither its id nor `current`.
        """
        roster = self.reader.roster()
        known = roster.programme.schedule_id
        if schedule_id not in ("", "current", known):
            raise Refusal(
                "unknown_schedule", f"There is no schedule {schedule_id!r}.", f'Ask for "{known}".', schedules=[known]
            )
        return roster

    def head(self, roster: Roster) -> dict[str, Any]:
        """Return the fields that every answer begins with."""
        return {
            "status": "ok",
            "schedule_id": roster.programme.schedule_id,
            "schedule_version": roster.version,
            "today": day_text(self.today(roster.calendar)),
            "time_zone": roster.programme.time_zone,
        }


class HasParts(Protocol):
    """A group of tools."""

    @property
    def parts(self) -> Parts:
        """The parts behind the tools."""


G = TypeVar("G", bound=HasParts)


@dataclass(frozen=True, slots=True)
class Group:
    """A group of tools."""

    parts: Parts


def answering(
    tool: Callable[Concatenate[G, P], CallToolResult],
) -> Callable[Concatenate[G, P], CallToolResult]:
    """Turn what a tool refuses into an answer that says what to do; anything else stays an error of the server."""

    @functools.wraps(tool)
    def answered(group: G, /, *args: P.args, **kwargs: P.kwargs) -> CallToolResult:
        try:
            return tool(group, *args, **kwargs)
        except Refusal as error:
            refusal = error
        except BadChangeError as error:
            refusal = Refusal("bad_change", f"{error}.", "Correct the change and ask for a preview.")
        except NotShownError:
            refusal = Refusal(
                "not_previewed",
                "Exactly this was not previewed at this version.",
                "Ask for the preview first, show it, and write with the same arguments.",
            )
        except UnknownPreviewError as error:
            refusal = Refusal("unknown_preview", f"There is no preview {error}.", "Ask for a preview first.")
        except UnknownChangeError as error:
            refusal = Refusal("unknown_change", f"There is no change {error}.", "list_changes lists the changes.")
        except NotReversibleError as error:
            refusal = _not_reversible(group.parts, error)
        except StaleVersionError as error:
            refusal = _stale(group.parts, error)
        return refused(refusal, topic_of(group.parts.reader.roster().programme))

    return answered


def _stale(parts: Parts, error: StaleVersionError) -> Refusal:
    roster = parts.reader.roster()
    since = "; ".join(map(views.change_text, error.since)) or "nothing is known of it"
    return Refusal(
        "stale_version",
        f"The schedule is at version {error.current}, not {error.seen}. Since then: {since}.",
        "Ask for a new preview and let the person decide again.",
        schedule_version=error.current,
        changed_since=[views.change(roster, change) for change in error.since],
    )


def _not_reversible(parts: Parts, error: NotReversibleError) -> Refusal:
    roster = parts.reader.roster()
    if not error.by:
        return Refusal("rolled_back", f"Change {error.change_id} was rolled back already.", "Nothing is to be done.")
    by = "; ".join(map(views.change_text, error.by))
    return Refusal(
        "changed_since",
        f"Shifts of change {error.change_id} were changed again: {by}.",
        "Roll back the later changes first, the latest one before the others.",
        blocked_by=[views.change(roster, change) for change in error.by],
    )
