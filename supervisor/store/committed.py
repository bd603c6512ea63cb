"""What a group of writes left in the database, told after its commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from supervisor.protocol.values.record import record


class Entry(NamedTuple):
    """An entry of the audit trail, without what it says of people.

    Attributes:
        event: such as "turn.completed".
        channel: the channel of the message or reply that it is about; empty = it is about none.
    """

    event: str
    channel: str


@record
class Committed:
    """The transactions of one group of writes.

    Attributes:
        seconds: for each commit, the time from the begin of its transaction to the end of the commit.
        entries: of the audit trail, in the order in which they were written.
        writes: the names of the writes that have one, such as "accept", in their order.
    """

    seconds: Sequence[float]
    entries: Sequence[Entry]
    writes: Sequence[str] = ()
