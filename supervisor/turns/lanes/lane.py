"""A lane: what runs one turn at a time, and what this process knows of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from supervisor.protocol.messages import MessageId, ProjectName
from supervisor.protocol.ports import Conversation
from supervisor.store.records.turn import Turn
from supervisor.turns.lanes.name import LaneName
from supervisor.turns.running import RunningTurn


@dataclass(slots=True)
class Lane:
    """What runs one turn at a time.

    Attributes:
        waiting: turns that it was told of and has not started; None = look until nothing is left.
        started: a turn that T1 has started already.
        starting: it waits for a process, not for a turn.
        beginning: it has a turn to run, or looks for one, and has not begun it.
        gate: held while a message is sent into the running turn, and while that ends.
        cut: futures of those who interrupt a turn that has not begun; they get it when it would.
        cut_by: a message that interrupts the turn that has not begun, where that is not its own; None = none does.
    """

    name: LaneName
    project: ProjectName
    waiting: int | None = 0
    started: Turn | None = None
    starting: bool = False
    beginning: bool = False
    cut: list[asyncio.Future[RunningTurn | None]] = field(default_factory=list)
    cut_by: MessageId | None = None
    running: RunningTurn | None = None
    conversation: Conversation | None = None
    task: asyncio.Task[None] | None = None
    writes: set[asyncio.Task[None]] = field(default_factory=set)
    gate: asyncio.Lock = field(default_factory=asyncio.Lock)

    def is_cut(self, turn: Turn) -> bool:
        """Return whether a turn that is about to begin is interrupted."""
        return bool(self.cut) or self.cut_by not in (None, turn.message_id)

    def tell_cut(self, running: RunningTurn | None) -> None:
        """Tell those who interrupt which turn it was; None = there was none."""
        self.cut_by = None
        for begun in self.cut:
            if not begun.done():
                begun.set_result(running)
        self.cut.clear()
