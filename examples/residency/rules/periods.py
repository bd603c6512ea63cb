"""The periods over which averages are taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from examples.residency.data.entities import Assignment, Averaging, Programme

WEEKS_4 = 28
"""Days."""


def periods(
    programme: Programme, assignments: Sequence[Assignment], first: int, last: int
) -> Iterator[tuple[int, int]]:
    """Yield the first and last day of each period of one person that touches the days from `first` to `last`.

    A rest of a schedule that is shorter than a block is a part of the block before it; of a rotation of more than
    4 weeks each 4 weeks are a period, and so is what is left.
    """
    whole = _blocks(programme) if programme.averaging is Averaging.BLOCK else _rotations(assignments)
    for begin, end in whole:
        if begin <= last and end >= first:
            yield begin, end


def _blocks(programme: Programme) -> Iterator[tuple[int, int]]:
    begin = programme.first
    while begin <= programme.last:
        end = begin + WEEKS_4 - 1
        if programme.last - end < WEEKS_4:
            rest = programme.last - end
            end = programme.last if rest < WEEKS_4 // 4 else end
        yield begin, min(end, programme.last)
        begin = end + 1


def _rotations(assignments: Sequence[Assignment]) -> Iterator[tuple[int, int]]:
    for assignment in assignments:
        begin = assignment.first
        while begin <= assignment.last:
            yield begin, min(begin + WEEKS_4 - 1, assignment.last)
            begin += WEEKS_4
