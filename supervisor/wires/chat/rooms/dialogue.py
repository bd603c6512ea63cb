"""What is asked and answered in one chat: accepts messages, follows them to their ends, stops answers."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import defaultdict
from collections.abc import Awaitable, Sequence
from dataclasses import replace

from supervisor.operations.chats.records import ChatEnd, ChatTaken
from supervisor.protocol import events
from supervisor.protocol.errors import ConnectionFailed, InternalError, StorageError
from supervisor.protocol.messages import MessageId, SessionId
from supervisor.protocol.queue import Mode
from supervisor.protocol.wire.omit import OMIT, Omit
from supervisor.store.records.accounts import User
from supervisor.wires.chat import frames, views
from supervisor.wires.chat.frames import End, ServerFrame
from supervisor.wires.chat.rooms.answers import Answers, Out
from supervisor.wires.chat.rooms.audience import Audience
from supervisor.wires.chat.rooms.naming import Naming
from supervisor.wires.chat.rooms.services import Member, RoomServices

logger = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
"""Pause before an end that the store refused is asked for again, in seconds."""

NOTHING = frames.Interrupted(message=views.NOTHING_RUNS, partial_response=False)
"""The answer to an `interrupt` while nothing runs."""

MODES = {None: None, "queue": Mode.FOLLOWUP, "steer": Mode.STEER, "interrupt": Mode.INTERRUPT}


class Dialogue:
    """The messages of a chat that have no end yet, and their answers.

    Attributes:
        ends: how many answers have ended.
    """

    def __init__(self, session_id: SessionId, services: RoomServices, audience: Audience) -> None:
        self._session_id = session_id
        self._chats = services.chats
        self._tasks = services.tasks
        self._clock = services.clock
        self._stop_seconds = services.stop_seconds
        self._audience = audience
        self._naming = Naming(session_id, services.people)
        self._answers = Answers()
        self._began: int | None = None  # the last number before the answer that goes out
        self._submitting = 0
        self._holding = False
        self._prompts: dict[str, events.ChatPrompt] = {}  # accepted while a connection waits for its own to be
        self._unknown: defaultdict[str, list[ServerFrame]] = defaultdict(list)
        self._artifacts: dict[str, events.ArtifactMade] = {}
        self._stopping: dict[str, dict[Member, None]] = {}
        self._slow_stops: set[asyncio.Task[MessageId | None]] = set()  # of an answer whose end was told before
        self._last_interrupted: str | Omit | None = None
        self.ends = 0

    @property
    def running(self) -> bool:
        """Whether a message has no end yet."""
        return self._answers.running or bool(self._submitting)

    @property
    def before_answer(self) -> int:
        """The number before the first frame of the running answer; without one, the last number."""
        return self._began if self._began is not None else self._audience.log.last

    def is_open(self, message_id: str) -> bool:
        """Return whether frames of an answer still go out, so that a history must not hold it."""
        return self._answers.is_open(message_id)

    # -- what the person does

    async def submit(self, member: Member, user: User, frame: frames.UserMessage) -> None:
        """Accept a message of a connection.

        Raises:
            XswarmError: it was refused.
        """
        accepting = self._chats.submit(
            user,
            self._session_id,
            frame.content,
            mode=MODES[frame.mode],
            external_id=frame.external_id,
            way=member.way,
            attachments=frame.attachments,
            source=member.source,
        )
        await self._take(member, user, frame.content, frame.external_id, accepting)

    async def edit(self, member: Member, user: User, frame: frames.Edit) -> ChatTaken:
        """Replace a message, and ask again.

        Raises:
            XswarmError: it was refused.
        """
        accepting = self._chats.edit(
            user, self._session_id, MessageId(frame.message_id), frame.content, way=member.way, source=member.source
        )
        return await self._take(member, user, frame.content, None, accepting)

    async def interrupt(self, member: Member, user: User) -> None:
        """Stop the running answer; returns when that is on its way.

        Raises:
            XswarmError: it could not be stopped.
        """
        ends = self.ends
        stopping = asyncio.create_task(self._chats.interrupt(user, self._session_id), name="stop an answer")
        done, _ = await asyncio.wait([stopping], timeout=self._stop_seconds)
        stopped: str | None
        if done:
            stopped = stopping.result()
        else:  # the answer has not begun: it is stopped when it does, and a second interrupt means it too
            stopped = self._answers.next_to_end if not self._slow_stops else None
            self._tasks.adopt(stopping)
            self._slow_stops.add(stopping)
            stopping.add_done_callback(self._slow_stops.discard)
        if stopped is not None and not self._answers.knows(stopped):
            self._accepted(MessageId(stopped))
        later = asyncio.get_running_loop().call_later
        if stopped is not None and self._answers.is_open(stopped):
            self._stopping.setdefault(stopped, {})[member] = None
            later(self._stop_seconds if done else 0, self._cut, stopped)
        elif stopped is not None and self._last_interrupted == stopped and self.ends > ends:
            return  # its end was told while it was being stopped
        elif (ending := self._answers.next_to_end) is not None:  # it has ended already, which is told in a moment
            self._stopping.setdefault(ending, {})[member] = None
            later(self._stop_seconds, self._nothing_runs, ending, member)
        else:
            self._audience.tell(member, NOTHING)

    # -- what happens

    def on_event(self, event: events.AnyEvent) -> None:
        """Take a live event of a turn of this chat."""
        match event:
            case (
                events.ClaudeCodeDelta() | events.ClaudeCodeTool() | events.ToolCallBegun() | events.ArtifactMade()
            ) if self._holding:
                pass
            case events.ChatPrompt():
                self._prompts[event.message_id] = event
                if not self._submitting:
                    self._adopt_others()
            case events.ArtifactMade():
                self._artifacts[event.tool_use_id] = event  # goes out behind the result of its tool
            case events.ClaudeCodeTool() if event.status != "started":
                made = self._artifacts.pop(event.tool_use_id, None)
                self._release(event.message_id, event.session_id)
                ended = self._naming.call(event)
                self._produced(event.message_id, views.live(ended, made.data if made is not None else None))
                if made is not None:
                    self._produced(event.message_id, views.live(made))
            case events.ClaudeCodeDelta():
                text = self._naming.piece(event.message_id, event.session_id, event.text)
                self._produced(event.message_id, [frames.Token(content=text)] if text else [])
            case events.ClaudeCodeTool() | events.ToolCallBegun():
                self._release(event.message_id, event.session_id)
                begun = self._naming.call(event) if isinstance(event, events.ClaudeCodeTool) else event
                self._produced(event.message_id, views.live(begun))
            case _:
                pass

    async def tell_ends(self, member: Member, user: User, message_ids: Sequence[str]) -> None:
        """Tell a connection how messages of the chat have ended; of one that has not, nothing.

        Raises:
            XswarmError: they cannot be read.
        """
        for message_id in message_ids:
            if not self._answers.is_open(message_id):
                ended = await self._chats.end_of(user, self._session_id, MessageId(message_id))
                if ended is not None:
                    self._audience.tell(member, self._as_read(ended, spoke=bool(ended.result.answer)))

    def hold(self) -> None:
        """Pass by what is written, until `attach`: that reads all of it."""
        self._holding = True

    async def attach(self, user: User) -> None:
        """Follow the messages that were accepted before anybody had the chat open.

        Those that a restart had cut off and that have ended since are told first: nobody has seen their ends.

        Raises:
            XswarmError: they cannot be read.
        """
        await self._naming.load()
        for ended in await self._chats.ended_since_start(user, self._session_id):
            self._answers.accepted(ended.result.turn.message_id)
            self._tell(ended)
        waiting = await self._chats.running(user, self._session_id)
        self._holding = False
        for message_id, text in self._chats.written(self._session_id):
            self._accepted(message_id)
            text = self._naming.piece(message_id, self._session_id, text)
            self._produced(message_id, [frames.Token(content=text)] if text else [])
        for message_id in waiting:
            self._accepted(message_id)

    # -- inside

    async def _take(
        self,
        member: Member,
        user: User,
        content: str,
        external_id: str | None,
        accepting: Awaitable[ChatTaken],
    ) -> ChatTaken:
        """Accept a message, and hold back what happens meanwhile to messages that are not known yet."""
        self._submitting += 1
        try:
            taken = await accepting
            self._prompts.pop(taken.message_id, None)
            if self._answers.has_ended(taken.message_id):
                self._tasks.spawn(self._tell_end(member, taken.message_id), "end of a repeated message")
                return taken
            if not self._answers.is_open(taken.message_id):
                written = frames.WrittenElsewhere(
                    id=taken.message_id,
                    by=user.id,
                    content=content,
                    external_id=external_id if external_id is not None else OMIT,
                )
                self._audience.broadcast(written, but=member)
            self._started(taken)
            return taken
        finally:
            self._submitting -= 1
            if not self._submitting:
                self._adopt_others()

    def _started(self, taken: ChatTaken) -> None:
        if taken.queued is not None:
            queued = taken.queued
            self._audience.broadcast(
                frames.Queued(position=queued.position, reason=queued.reason, message_id=taken.message_id)
            )
        if taken.told is not None:
            self._answers.accepted(taken.message_id)
            self._emit(self._answers.produced(taken.message_id, frames.Token(content=taken.told)))
            self._emit(self._answers.ended(taken.message_id, views.answered_at_once(taken.message_id)))
            return
        self._accepted(taken.message_id)

    def _accepted(self, message_id: MessageId) -> None:
        """Follow a message to its end; what has happened to it already goes out."""
        if self._answers.knows(message_id):
            return
        self._answers.accepted(message_id)
        for frame in self._unknown.pop(message_id, []):
            self._emit(self._answers.produced(message_id, frame))
        self._tasks.spawn(self._follow(message_id), f"answer to {message_id}")

    def _produced(self, message_id: str, produced: Sequence[ServerFrame]) -> None:
        if self._answers.knows(message_id):
            for frame in produced:
                self._emit(self._answers.produced(message_id, frame))
        elif produced:
            self._unknown[message_id] += produced
            if not self._submitting:
                self._adopt_others()

    def _release(self, message_id: str, scope: str = "") -> None:
        """Send what is held back of the text of an answer: it is complete, or something else follows."""
        if rest := self._naming.rest(message_id, scope):
            self._produced(message_id, [frames.Token(content=rest)])

    def _adopt_others(self) -> None:
        """Follow what was accepted meanwhile by another connection or another way: a terminal, a text."""
        for message_id, prompt in list(self._prompts.items()):
            del self._prompts[message_id]
            self._written_elsewhere(prompt)
        for message_id in list(self._unknown):
            self._accepted(MessageId(message_id))

    def _written_elsewhere(self, prompt: events.ChatPrompt) -> None:
        if not self._answers.knows(prompt.message_id):
            written = frames.WrittenElsewhere(id=prompt.message_id, by=prompt.user_id, content=prompt.text)
            self._audience.broadcast(written)
            self._accepted(MessageId(prompt.message_id))

    async def _follow(self, message_id: MessageId) -> None:
        """Wait for the end of a message."""
        try:
            ended = await self._end_of(message_id)
            if ended is None:
                return
            end = self._tell(ended)
        except Exception:
            reference = secrets.token_hex(4)
            logger.exception("%s: the end of message %s is not known", reference, message_id)
            end = views.refused(InternalError(reference), message_id)
            self._emit(self._answers.ended(message_id, end))
        if not isinstance(end, frames.Interrupted):
            for member in list(self._stopping.get(message_id, ())):  # it was complete before it could be stopped
                self._nothing_runs(message_id, member)
        self._stopping.pop(message_id, None)

    def _tell(self, ended: ChatEnd) -> End:
        """Tell the end of an answer, and before it the whole answer where nothing of it was told; return the end."""
        message_id = ended.result.turn.message_id
        self._release(message_id, ended.result.turn.lane)
        if ended.error is None and ended.shown and not self._answers.spoke(message_id):
            shown = self._naming.whole(ended.result.turn.lane, ended.shown)
            self._produced(message_id, [frames.Token(content=shown)])
        end = self._as_read(ended, spoke=self._answers.spoke(message_id))
        self._emit(self._answers.ended(message_id, end, ended.result.joined))
        return end

    def _as_read(self, ended: ChatEnd, *, spoke: bool) -> End:
        """Return the end of an answer as its person reads it: the calls that it names have names of people."""
        end = views.end_of(ended, spoke=spoke)
        if isinstance(end, frames.Complete):
            return end
        return replace(end, message=self._naming.whole(ended.result.turn.lane, end.message))

    async def _end_of(self, message_id: MessageId) -> ChatEnd | None:
        """Wait for the end of a message; None = the daemon stops before it, and the message runs after the restart."""
        while True:
            try:
                return await self._chats.wait(message_id)
            except StorageError as error:
                logger.error("%s: its end cannot be told yet: %s", message_id, error)
                await asyncio.sleep(RETRY_SECONDS)
            except ConnectionFailed:
                return None

    async def _tell_end(self, member: Member, message_id: MessageId) -> None:
        """Tell a connection how a message has ended that it sent again."""
        if (ended := await self._end_of(message_id)) is not None:
            self._audience.tell(member, self._as_read(ended, spoke=bool(ended.result.answer)))

    def _nothing_runs(self, message_id: str, member: Member) -> None:
        """Answer an interrupt that came too late for an answer, unless that was answered by its end."""
        if self._stopping.get(message_id, {}).pop(member, member) is None:
            self._audience.tell(member, NOTHING)

    def _cut(self, message_id: str) -> None:
        """Tell the end of an answer that was stopped and takes its time; what still comes of it is dropped."""
        if self._stopping.pop(message_id, None) is None or not self._answers.is_open(message_id):
            return
        self._release(message_id)
        spoke = self._answers.spoke(message_id)
        end = frames.Interrupted(message=views.STOPPED, partial_response=spoke, message_id=message_id)
        self._emit(self._answers.ended(message_id, end))

    def _emit(self, out: Out) -> None:
        for frame in out:
            if self._began is None:
                self._began = self._audience.log.last
            sent = self._audience.broadcast(frame)
            if isinstance(frame, End):
                self._began = None
                self._last_interrupted = frame.message_id if isinstance(frame, frames.Interrupted) else None
                self.ends += 1
                self._audience.log.answer_ended(sent, self._clock())
