"""One running turn: collects what the conversation says of it until it ends, and shows it live."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from time import monotonic

from supervisor.approvals.pending import PendingApproval
from supervisor.delivery.hub import Hub
from supervisor.protocol import conversation as talk
from supervisor.protocol.errors import BudgetExceeded
from supervisor.protocol.events import ClaudeCodeDelta, ClaudeCodeTool
from supervisor.protocol.ids import uuid7
from supervisor.protocol.ports import Conversation
from supervisor.protocol.status import TurnState
from supervisor.store.records.charge import Charge
from supervisor.store.records.turn import Turn

logger = logging.getLogger(__name__)

BROKE = "an internal error; the details are in the log"
"""What a person is told where a plug-in does what its port does not allow."""

Ended = talk.Finished | talk.Failed
RecordTool = Callable[[int, talk.ToolStarted | talk.ToolFinished], None]


class RunningTurn:
    """A turn under way; `on_event` is the sink that its conversation feeds.

    Args:
        turn: as started in the store.
        record_tool: keeps a tool's start or end with the turn.

    Attributes:
        text: what was written so far.
        ended: resolved once, with how the turn ended.
        provider_nanos: the connector's own figure, or None.
        heard: monotonic time of its last event or answer to a question, in seconds.
        refused: why it got no further call to the model; None = it got all.
        charges: what the connector says it cost, where that figure is the one that counts.
        given: its prompt was written.
        stopping: it was told to end.
        topics: where it is shown live.
        joined: the turns that are part of it, in order: gathered into its prompt, or sent into it while it runs.
        on_end: told once when it has ended and one of them may go on.
        pause: resolved with None once it has ended, or with a question for whose answer its process need not wait.
    """

    def __init__(self, turn: Turn, hub: Hub, record_tool: RecordTool) -> None:
        self.turn = turn
        self.text: list[str] = []
        self.ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        self.pause: asyncio.Future[PendingApproval | None] = asyncio.get_running_loop().create_future()
        self.provider_nanos: int | None = None
        self.charges: list[Charge] = []
        self.tools = 0
        self.refused: BudgetExceeded | None = None
        self.given = self.stopping = False
        self.joined: list[RunningTurn] = []
        self.on_end: Callable[[], None] | None = None
        self._names: dict[str, str] = {}
        self._calls: set[str] = set()  # tools that were called and have not answered
        self._hub = hub
        self._record_tool = record_tool
        self._began = self.heard = self._noted = monotonic()
        self._questions, self._asked = 0, 0.0
        self.topics = (f"session:{turn.session_id}", f"user:{turn.user_id}")

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Count the time of a `with` block as that of a person who is asked, not as the turn's; they may overlap."""
        self._note_asked()
        self._questions += 1
        try:
            yield
        finally:
            self._note_asked()
            self._questions -= 1
            self.heard = monotonic()

    def left(self, deadline: float) -> float:
        """Return the seconds until a monotonic time, put off by as long as people were asked."""
        self._note_asked()
        return deadline + self._asked - self._noted

    def _note_asked(self) -> None:
        now = monotonic()
        if self._questions:
            self._asked += now - self._noted
        self._noted = now

    @property
    def duration_ms(self) -> int:
        """Milliseconds since the turn began."""
        return round((monotonic() - self._began) * 1000)

    def on_event(self, event: talk.ConversationEvent) -> None:
        """Take one event of the conversation; never blocks."""
        self.heard = monotonic()
        if self.ended.done() and (following := self.following) is not None:
            following.on_event(event)
            return
        match event:
            case talk.TextDelta(text=text):
                self.text.append(text)
                self._show_text(text)
            case talk.ToolStarted() | talk.ToolFinished():
                self._tool(event)
            case talk.UsageReported():
                self._usage(event)
            case talk.Finished(message_id=message_id) | talk.Failed(message_id=message_id):
                if message_id == self.turn.message_id:
                    self._end(event)
                else:
                    for part in self.joined:
                        if message_id == part.turn.message_id:
                            part.on_event(event)
            case talk.Exited(why=why):
                partial = "".join(self.text)
                self._end(talk.Failed(message_id=self.turn.message_id, why=_ended_early(why), partial=partial))
                for part in self.joined:
                    part.on_event(event)

    def fail(self, why: str, *, interrupted: bool = False, timed_out: bool = False) -> None:
        """End the turn from our side."""
        self._end(
            talk.Failed(
                message_id=self.turn.message_id,
                why=why,
                partial="".join(self.text),
                interrupted=interrupted,
                timed_out=timed_out,
            )
        )

    @property
    def following(self) -> RunningTurn | None:
        """The first of its parts that was sent into it and has not ended."""
        return next((part for part in self.joined if part.given and not part.ended.done()), None)

    def may_suspend(self, call: talk.ToolCall) -> bool:
        """Return whether it does nothing but wait for one call, which may then be made again by another process.

        A subagent's call, and others of the same turn beside it, would be lost with their process.
        """
        alone = not self.joined and self._calls <= {call.tool_use_id}
        return call.agent_id is None and alone and not self.stopping

    def ask_to_suspend(self, question: PendingApproval) -> None:
        """Ask whoever runs the turn to let its process go."""
        if not self.pause.done():
            self.pause.set_result(question)

    def process_closed(self) -> None:
        """Note that the process is closed: its tool calls will not be answered any more."""
        self._calls.clear()

    def resume(self) -> None:
        """Wait for its end again, after a question."""
        if not self.ended.done():
            self.pause = asyncio.get_running_loop().create_future()

    def ended_with(self, host: Ended) -> bool:
        """Return whether a part has no end of its own: it wrote nothing, and ended as its host did."""
        if not self.given or not self.ended.done() or self.text or self.tools:
            return False
        return isinstance(self.ended.result(), talk.Finished) == isinstance(host, talk.Finished)

    def _end(self, event: Ended) -> None:
        if not self.ended.done():
            self.ended.set_result(event)
            if not self.pause.done():
                self.pause.set_result(None)
            if self.on_end is not None and self.following is not None:
                self.on_end()

    def _show_text(self, text: str) -> None:
        if self.turn.session_id is not None and self._hub.wanted(*self.topics):
            delta = ClaudeCodeDelta(session_id=self.turn.session_id, message_id=self.turn.message_id, text=text)
            self._hub.publish(delta, self.topics)

    def _tool(self, event: talk.ToolStarted | talk.ToolFinished) -> None:
        if isinstance(event, talk.ToolStarted):
            self.tools += 1
            self._names[event.tool_use_id] = event.name
            self._calls.add(event.tool_use_id)
        else:
            self._calls.discard(event.tool_use_id)
        self._record_tool(self.turn.id, event)
        if self.turn.session_id is None or not self._hub.wanted(*self.topics):
            return
        shown = ClaudeCodeTool(
            session_id=self.turn.session_id,
            message_id=self.turn.message_id,
            tool_use_id=event.tool_use_id,
            name=self._names.get(event.tool_use_id, ""),
            status="started",
        )
        if isinstance(event, talk.ToolStarted):
            self._hub.publish(replace(shown, input=event.input), self.topics)
        else:
            done = replace(shown, status="failed" if event.failed else "succeeded", result=event.result)
            self._hub.publish(done, self.topics)

    def _usage(self, event: talk.UsageReported) -> None:
        if event.provider_nanos is not None:
            self.provider_nanos = (self.provider_nanos or 0) + event.provider_nanos
        if event.authoritative:
            self.charges.append(
                Charge(ref=uuid7(), kind="model", model=event.model, tokens=event.tokens, nanos=event.provider_nanos)
            )


async def feed(conversation: Conversation, running: RunningTurn) -> None:
    """Hand every event of a conversation of one turn to it; its silent end is the turn's."""
    why = "the connection ended without a word"
    try:
        async for event in conversation.events():
            running.on_event(event)
    except Exception:
        logger.exception("%s: reading the conversation failed", running.turn.message_id)
        why = BROKE
    running.fail(why)


def state_of(ended: Ended) -> TurnState:
    """Return the state in which a turn ends."""
    if isinstance(ended, talk.Finished):
        return TurnState.COMPLETED
    return TurnState.CANCELLED if ended.interrupted else TurnState.FAILED


def _ended_early(why: str) -> str:
    return f"its process ended: {why}" if why else "its process ended before it answered"
