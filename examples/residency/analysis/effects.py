"""What a change would mend and break: rules of the people whom it touches, and the slots of its days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from examples.residency.analysis.coverage import Slot, slots
from examples.residency.data.edits import Edit, people_of
from examples.residency.data.roster import Roster
from examples.residency.rules.check import check_person
from examples.residency.rules.finding import Finding, Severity


@dataclass(frozen=True, slots=True)
class Shifted:
    """A finding that stays, with another measure."""

    before: Finding
    after: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What is different after a change. Warnings of 28 days in a row are left out: they move with every change.

    Attributes:
        mended, broken: findings that go and come.
        eased, worsened: findings that stay, but less or more.
        filled, emptied: slots that get enough people, or too few.
    """

    mended: tuple[Finding, ...]
    broken: tuple[Finding, ...]
    eased: tuple[Shifted, ...]
    worsened: tuple[Shifted, ...]
    filled: tuple[Slot, ...]
    emptied: tuple[Slot, ...]

    @property
    def violations(self) -> tuple[Finding, ...]:
        """The rules that must be kept and that the change breaks."""
        return tuple(finding for finding in self.broken if finding.severity is Severity.VIOLATION)

    @property
    def score(self) -> float:
        """How good the change is: more is better, 0 = nothing is different."""
        mended = sum(_weight(finding) for finding in self.mended)
        broken = sum(_weight(finding) for finding in self.broken)
        eased = sum(10 * (pair.before.excess - pair.after.excess) for pair in self.eased)
        worsened = sum(30 * (pair.after.excess - pair.before.excess) for pair in self.worsened)
        return mended - 2 * broken + eased - worsened + 50 * (len(self.filled) - 2 * len(self.emptied))


def effects(roster: Roster, edits: Sequence[Edit]) -> Effects:
    """Return what edits would mend and break."""
    after = roster.with_edits(edits)
    if not edits:
        return compare((), (), (), ())
    first, last = span(roster, edits)
    people = sorted(people_of(edits))
    days = sorted({day for edit in edits for day in _days(roster, edit)})

    def found(of: Roster) -> list[Finding]:
        return [finding for person in people for finding in check_person(of, person, first, last, rolling=False)]

    def filled(of: Roster) -> list[Slot]:
        return [slot for day in days for slot in slots(of, day, day)]

    return compare(found(roster), found(after), filled(roster), filled(after))


def span(roster: Roster, edits: Iterable[Edit]) -> tuple[int, int]:
    """Return the days that edits touch, with one before and after."""
    spans = [edit.span for edit in edits]
    first, last = min(start for start, _ in spans), max(end for _, end in spans)
    return roster.calendar.day(first) - 1, roster.calendar.day(last) + 1


def _days(roster: Roster, edit: Edit) -> Iterator[int]:
    """Yield the days whose slots an edit may fill or empty."""
    for shift in (edit.before, edit.after):
        if shift is not None:
            yield from range(roster.calendar.day(shift.start), roster.calendar.day(shift.end - 1) + 1)


def compare(
    before: Iterable[Finding], after: Iterable[Finding], slots_before: Iterable[Slot], slots_after: Iterable[Slot]
) -> Effects:
    """Return the difference of two states."""
    old = {finding.key: finding for finding in before}
    new = {finding.key: finding for finding in after}
    stayed = [Shifted(old[key], new[key]) for key in old if key in new and old[key].excess != new[key].excess]
    short_before = {slot.id: slot for slot in slots_before if slot.spare < 0}
    short_after = {slot.id: slot for slot in slots_after if slot.spare < 0}
    return Effects(
        mended=tuple(finding for key, finding in old.items() if key not in new),
        broken=tuple(finding for key, finding in new.items() if key not in old),
        eased=tuple(pair for pair in stayed if pair.after.excess < pair.before.excess),
        worsened=tuple(pair for pair in stayed if pair.after.excess > pair.before.excess),
        filled=tuple(slot for key, slot in short_before.items() if key not in short_after),
        emptied=tuple(slot for key, slot in short_after.items() if key not in short_before),
    )


def _weight(finding: Finding) -> float:
    return 100.0 if finding.severity is Severity.VIOLATION else 20.0
