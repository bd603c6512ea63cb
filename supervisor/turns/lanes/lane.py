"""A lane: runs one turn at a time, in the order in which the turns were accepted."""

from __future__ import annotations

import asyncio

from supervisor.protocol.messages import MessageId, ProjectName, UserId
from supervisor.protocol.ports.connector import Conversation
from supervisor.protocol.status import Target
from supervisor.turns.lanes.name import LaneName
from supervisor.turns.lanes.state import BEGINNING, BUSY, LaneState
from supervisor.turns.running.turn import RunningTurn


class Lane:
    """A lane with work: its state, its task, and the turn that runs.

    Attributes:
        running: the running turn; None = none runs.
        conversation: where the running turn runs; None = no turn runs, or it is suspended.
        task: runs the lane's turns; None = the lane has nothing to run.
        started: a turn was started (T2) that the lane runs, and those that follow it.
        stopper: who interrupted the turn that is about to begin.
        gate: held while a message is steered into the running turn, and while that turn ends.
    """

    __slots__ = (
        "_interrupters",
        "conversation",
        "gate",
        "name",
        "project",
        "running",
        "started",
        "state",
        "stopper",
        "task",
    )

    def __init__(self, name: LaneName, project: ProjectName) -> None:
        self.name = name
        self.project = project
        self.state = LaneState()
        self.running: RunningTurn | None = None
        self.conversation: Conversation | None = None
        self.started = False
        self.task: asyncio.Task[None] | None = None
        self.gate = asyncio.Lock()
        self.stopper = ""
        self._interrupters: list[asyncio.Future[RunningTurn | None]] = []

    @property
    def is_assistant(self) -> bool:
        """Whether the assistant is known to answer in this lane; in that of a chat, where T1 has started a turn."""
        given = self.state.given
        return self.name.is_assistant or (given is not None and given.target is Target.ASSISTANT)

    @property
    def is_beginning(self) -> bool:
        """Whether a turn may be about to begin."""
        return self.state.phase in BEGINNING

    @property
    def has_unbegun(self) -> bool:
        """Whether a turn was started (T2) that has not begun."""
        return self.started and self.is_beginning

    @property
    def is_busy(self) -> bool:
        """Whether a turn runs or may be about to begin."""
        return self.state.phase in BUSY

    def begin(self, running: RunningTurn, conversation: Conversation | None) -> bool:
        """Note that a turn begins; return whether it is interrupted already. `tell_interrupters` follows.

        Args:
            conversation: None = it ends at once.
        """
        self.running, self.conversation = running, conversation
        interrupted = self.state.turn_began(running.turn.message_id)
        if interrupted:
            running.stop(self.stopper)
        return interrupted

    async def end(self) -> None:
        """Note that the running turn has ended, once no message is being steered into it."""
        async with self.gate:
            self.running, self.conversation = None, None
            self.state.turn_ended()

    def end_look(self) -> None:
        """Note that the attempt to run a turn is over: there was nothing more to interrupt."""
        self.started = False
        self.state.look_ended()
        self.tell_interrupters(None)

    def interrupt_before(self, message_id: MessageId, by: UserId) -> None:
        """Interrupt the turn that is about to begin, unless it is the turn of this message."""
        if self.state.interrupt(by=message_id):
            self.stopper = by

    async def interrupt_next(self, by: str = "") -> RunningTurn | None:
        """Interrupt the turn that is about to begin, and return it when it begins; None = no turn begins."""
        if not self.state.interrupt():
            return None
        self.stopper = by
        begun: asyncio.Future[RunningTurn | None] = asyncio.get_running_loop().create_future()
        self._interrupters.append(begun)
        return await begun

    def tell_interrupters(self, running: RunningTurn | None) -> None:
        """Tell the callers of `interrupt_next` which turn they interrupted; None = there was none."""
        for begun in self._interrupters:
            if not begun.done():
                begun.set_result(running)
        self._interrupters.clear()
