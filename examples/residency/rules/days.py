"""One person's work, day by day: hours, free days, nights of call, leave."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

from examples.residency.data.clock import Calendar
from examples.residency.data.entities import COUNTED, DAY, Absence, Shift, ShiftKind


class Days:
    """Sums over days, each in constant time.

    Leave is taken out of both sides: its days do not count, and neither does what was worked or free on them.

    Args:
        shifts: one person's shifts, in the order of time.
        first, last: the days that can be asked for.
    """

    def __init__(
        self, calendar: Calendar, shifts: Sequence[Shift], absences: Iterable[Absence], first: int, last: int
    ) -> None:
        self.first = first
        size = last - first + 1
        begin, end = calendar.midnight(first), calendar.midnight(last + 1)
        shifts = [shift for shift in shifts if shift.start < end and shift.end > begin]
        leave = [0] * size
        for absence in absences:
            for day in range(max(absence.first, first), min(absence.last, last) + 1):
                leave[day - first] = 1
        worked, calls = [0] * size, [0] * size
        for span in _merged((shift.start, shift.end) for shift in shifts if shift.kind in COUNTED):
            _spread(calendar, worked, first, *span)
        for shift in shifts:
            if shift.kind is ShiftKind.CALL:
                index = calendar.day(shift.start) - first
                if 0 <= index < size:
                    calls[index] = 1
        free = _free_days(calendar, shifts, leave, first)
        for index in range(size):
            if leave[index]:
                worked[index] = calls[index] = 0
        self._worked, self._calls, self._free, self._leave = map(_sums, (worked, calls, free, leave))

    def worked(self, first: int, last: int) -> int:
        """Return the seconds worked from `first` to `last`; time in two places at once counts once."""
        return self._between(self._worked, first, last)

    def calls(self, first: int, last: int) -> int:
        """Return the nights of in-house call."""
        return self._between(self._calls, first, last)

    def free(self, first: int, last: int) -> int:
        """Return the free days: spans of 24 hours without any work or call."""
        return self._between(self._free, first, last)

    def counting(self, first: int, last: int) -> int:
        """Return the days that are not leave."""
        return last - first + 1 - self._between(self._leave, first, last)

    def _between(self, sums: list[int], first: int, last: int) -> int:
        return sums[last - self.first + 1] - sums[first - self.first]


def _sums(values: list[int]) -> list[int]:
    return [0, *accumulate(values)]


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return spans in the order of time, those that touch as one."""
    found: list[tuple[int, int]] = []
    for start, end in spans:
        if found and start <= found[-1][1]:
            if end > found[-1][1]:
                found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def _spread(calendar: Calendar, worked: list[int], first: int, start: int, end: int) -> None:
    """Add a span of work to its days, cut at each midnight."""
    day = calendar.day(start)
    while start < end:
        until = min(end, calendar.midnight(day + 1))
        if 0 <= day - first < len(worked):
            worked[day - first] += until - start
        start, day = until, day + 1


def _free_days(calendar: Calendar, shifts: Sequence[Shift], leave: list[int], first: int) -> list[int]:
    """Return the free days that begin on each day.

    Of a gap of n times 24 hours, whole days by the calendar count on themselves, and what is left on the day in the
    middle of the gap; so a free day lies in the block in which it is spent.
    """
    size = len(leave)
    free = [0] * size
    taken = [(shift.start, shift.end) for shift in shifts]
    for index, absent in enumerate(leave):
        if absent:
            taken.append((calendar.midnight(first + index), calendar.midnight(first + index + 1)))
    taken.append((calendar.midnight(first + size),) * 2)
    before = calendar.midnight(first)
    for start, end in _merged(sorted(taken)):
        count = (start - before) // DAY
        if count > 0:
            begin = calendar.day(before - 1) + 1
            whole = [
                day
                for day in range(begin, calendar.day(start))
                if calendar.midnight(day) >= before and calendar.midnight(day + 1) <= start
            ][:count]
            for day in whole:
                free[day - first] += 1
            if count > len(whole):
                middle = calendar.day((before + start) // 2) - first
                if 0 <= middle < size:
                    free[middle] += count - len(whole)
        before = max(before, end)
    return free
