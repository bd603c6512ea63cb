"""One running turn: collects the events of its conversation until it ends, and publishes them live."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import takewhile

from supervisor.approvals.pending import PendingApproval
from supervisor.delivery.hub import Hub, chat_topics, topics_of
from supervisor.protocol import conversation as talk
from supervisor.protocol.errors import BudgetExceeded
from supervisor.protocol.events import ArtifactMade, ClaudeCodeDelta, ClaudeCodeTool, ToolCallBegun
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import MessageId
from supervisor.protocol.ports.connector import Conversation
from supervisor.protocol.status import Target, TurnState
from supervisor.store.records.charge import Charge
from supervisor.store.records.turn import Turn
from supervisor.turns.running.clock import TurnClock

logger = logging.getLogger(__name__)

BROKE = "an internal error; the details are in the log"
"""What a person is told when a plug-in breaks the contract of its port."""

NOT_BEGUN = "it was interrupted before it began"
"""Why a turn ends that somebody stopped before its prompt was written."""

Ended = talk.Finished | talk.Failed
RecordTool = Callable[[int, talk.ToolStarted | talk.ToolFinished], None]


class RunningTurn:
    """A turn that is running; `on_event` takes the events of its conversation.

    Args:
        turn: the turn as it was started in the store.
        record_tool: stores the start or end of a tool call with the turn.

    Attributes:
        clock: the time that the turn takes.
        text: the pieces of the answer so far.
        tools: number of tool calls so far.
        ended: resolved once, with the end of the turn.
        pause: resolved when the turn has ended or its time may be up, with None, or when it can be suspended, with the
            question that it waits for.
        provider_nanos: the connector's own figure of the cost, in nanodollars; None = it reported none.
        charges: the charges that the connector reports, where its figure is the authoritative one.
        refused: the limit that refused the turn a call to the model; None = no call was refused.
        given: the prompt was written.
        dropped: queued messages of the same person that ABORT dropped; the reply of the turn says so.
        stopping: the turn was interrupted or refused, and is expected to end.
        stopped_by: the name of whoever interrupted the turn; empty = its own user, or nobody.
        topics: the topics under which the turn is published live.
        chats: those of them of which only an admin chat learns.
        joined: the turns that are part of this one, in order: gathered into its prompt, or steered into it.
        introduction: a text that those read first who watch the answer arrive; it is no part of the answer.
        offered: messages that may join a turn of the assistant when it next calls its model, in order.
        on_end: called once, when the turn has ended, with the one of the `joined` that runs on; not where none does.
    """

    def __init__(self, turn: Turn, hub: Hub, record_tool: RecordTool) -> None:
        self.turn = turn
        self.clock = TurnClock()
        self.text: list[str] = []
        self.ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        self.pause: asyncio.Future[PendingApproval | None] = asyncio.get_running_loop().create_future()
        self.provider_nanos: int | None = None
        self.charges: list[Charge] = []
        self.tools = 0
        self.refused: BudgetExceeded | None = None
        self.given = self.stopping = False
        self.stopped_by = ""
        self.dropped = 0
        self.joined: list[RunningTurn] = []
        self.offered: deque[MessageId] = deque()
        self.introduction = self._introduced = ""
        self.on_end: Callable[[RunningTurn], None] | None = None
        self._names: dict[str, str] = {}
        self._calls: set[str] = set()  # ids of tool calls that have not finished
        self._hub = hub
        self._record_tool = record_tool
        self.chats = chat_topics(turn)
        self.topics = topics_of(turn)

    def asking(self) -> AbstractContextManager[None]:
        """Let the turn's clock stand in a `with` block, because a person is asked; blocks may overlap."""
        return self.clock.asking()

    def on_event(self, event: talk.ConversationEvent) -> None:
        """Take one event of the conversation; it never blocks.

        Once the turn has ended, the events are those of the turn that runs on in its place.
        """
        self.clock.hear()
        if self.ended.done() and (following := self.following) is not None:
            following.on_event(event)
            return
        match event:
            case talk.TextDelta(text=text):
                self._introduce()
                self.text.append(text)
                self._show_text(text)
            case talk.ToolBegun():
                self._introduce()
                self._show_begun(event)
            case talk.ToolStarted() | talk.ToolFinished():
                self._introduce()
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

    @property
    def so_far(self) -> str:
        """What those have read who watched the answer arrive."""
        return self._introduced + "".join(self.text)

    def stop(self, by: str) -> None:
        """Note that somebody interrupts the turn and those that are part of it.

        Args:
            by: the id of a user, or the name of a program.
        """
        self.stopping = True
        for part in (self, *self.joined):
            part.stopped_by = by if by != part.turn.user_id else ""

    def fail(self, why: str, *, interrupted: bool = False, timed_out: bool = False) -> None:
        """End the turn from the daemon's side; without effect where the turn has ended."""
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
        """The first turn of `joined` that was steered into this one and has not ended; None = there is none."""
        return next((part for part in self.joined if part.given and not part.ended.done()), None)

    def may_suspend(self, call: talk.ToolCall) -> bool:
        """Return whether the turn does nothing but wait for one tool call, which another process can make again.

        A subagent's call and other open calls of the turn would be lost with the process.
        """
        alone = not self.joined and self._calls <= {call.tool_use_id}
        has_process = self.turn.target is Target.CLAUDE_CODE
        return has_process and call.agent_id is None and alone and not self.stopping

    def ask_to_suspend(self, question: PendingApproval) -> None:
        """Ask the driver to close the turn's process until a question is answered."""
        if not self.pause.done():
            self.pause.set_result(question)

    def wake(self) -> None:
        """Let the driver look at the time; without effect where it does not wait."""
        if not self.pause.done():
            self.pause.set_result(None)

    def process_closed(self) -> None:
        """Note that the process is closed: its tool calls will not be answered any more."""
        self._calls.clear()

    def resume(self) -> None:
        """Wait again for the end of the turn, or for the next question."""
        if not self.ended.done():
            self.pause = asyncio.get_running_loop().create_future()

    def end_parts(self) -> list[RunningTurn]:
        """End the parts that the model was given, as this turn ended; take out and return those that it was not given.

        The end of the conversation is not theirs: they run in another one.
        """
        ended = self.ended.result()
        late = [part for part in self.joined if not part.given]
        self.joined = [part for part in self.joined if part.given]
        for part in self.joined:
            if isinstance(ended, talk.Finished):
                part.on_event(talk.Finished(message_id=part.turn.message_id, text=""))
            else:
                part.fail(ended.why, interrupted=ended.interrupted, timed_out=ended.timed_out)
        return late

    def parts_ended_with(self, host: Ended) -> Iterator[RunningTurn]:
        """Yield the turns of `joined` that end with this one: those before the first that runs on in its place."""
        return takewhile(lambda part: part.turn.gather or part.ended_with(host), self.joined)

    def ended_with(self, host: Ended) -> bool:
        """Return whether a steered turn needs no outcome of its own: it wrote nothing, and ended as its host did."""
        if not self.given or not self.ended.done() or self.text or self.tools:
            return False
        return isinstance(self.ended.result(), talk.Finished) == isinstance(host, talk.Finished)

    def _end(self, event: Ended) -> None:
        if not self.ended.done():
            self.ended.set_result(event)
            if not self.pause.done():
                self.pause.set_result(None)
            if self.on_end is not None and (following := self.following) is not None:
                self.on_end(following)

    def _introduce(self) -> None:
        """Publish the introduction, before anything of the answer."""
        if self.introduction:
            self._introduced, self.introduction = self.introduction, ""
            self._show_text(self._introduced)

    def _show_text(self, text: str) -> None:
        if self.turn.session_id is not None and self._hub.wanted(*self.topics):
            delta = ClaudeCodeDelta(session_id=self.turn.session_id, message_id=self.turn.message_id, text=text)
            self._hub.publish(delta, self.topics)

    def _show_begun(self, event: talk.ToolBegun) -> None:
        if self.turn.session_id is not None and self._hub.wanted(*self.chats):
            begun = ToolCallBegun(
                session_id=self.turn.session_id,
                message_id=self.turn.message_id,
                tool_use_id=event.tool_use_id,
                name=event.name,
            )
            self._hub.publish(begun, self.chats)

    def _show_artifact(self, event: talk.ToolFinished) -> None:
        if event.structured is None or self.turn.session_id is None or not self._hub.wanted(*self.chats):
            return
        name = self._names.get(event.tool_use_id, "")
        made = ArtifactMade(
            session_id=self.turn.session_id,
            message_id=self.turn.message_id,
            tool_use_id=event.tool_use_id,
            name=name,
            kind=event.kind,
            title=event.title or name,
            data=event.structured,
        )
        self._hub.publish(made, self.chats)

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
            self._show_artifact(event)  # before the result, which then holds it in a chat
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
    """Pass every event of a conversation to its only turn; the turn ends with the conversation."""
    why = "the connection ended unexpectedly"
    try:
        async for event in conversation.events():
            running.on_event(event)
    except Exception:
        logger.exception("%s: reading the conversation failed", running.turn.message_id)
        why = BROKE
    running.fail(why)


def state_of(ended: Ended) -> TurnState:
    """Return the stored state of a turn that ended so."""
    if isinstance(ended, talk.Finished):
        return TurnState.COMPLETED
    return TurnState.CANCELLED if ended.interrupted else TurnState.FAILED


def _ended_early(why: str) -> str:
    return f"its process ended: {why}" if why else "its process ended before it answered"
