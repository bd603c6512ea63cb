"""One chat that somebody has open: its connections, what is said, who is there, which questions are open."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from supervisor.people.identity import Caller
from supervisor.protocol import events
from supervisor.protocol.messages import MessageId, SessionId, UserId
from supervisor.store.records.accounts import User
from supervisor.wires.chat import frames, views
from supervisor.wires.chat.rooms.attendance import Attendance
from supervisor.wires.chat.rooms.audience import Audience
from supervisor.wires.chat.rooms.dialogue import Dialogue
from supervisor.wires.chat.rooms.log import KEPT_SECONDS, FrameLog, Numbered, Replay, numbered
from supervisor.wires.chat.rooms.questions import Questions
from supervisor.wires.chat.rooms.services import Member, RoomServices

EMPTY_SECONDS = 10.0
"""How long a room without frames outlives its last connection, in seconds."""

_NEWEST = frames.GetHistory()

READ_AGAIN = 3
"""How often a history is read again at most because an answer has ended meanwhile."""


class Room:
    """A chat of one user. It lives while somebody has it open, an answer runs, or its frames may be asked for.

    Args:
        first: the number of its first frame.

    Attributes:
        audience: its connections.
        dialogue: what is asked and answered.
        questions: the open ones.
    """

    def __init__(self, session_id: SessionId, user_id: UserId, services: RoomServices, *, first: int) -> None:
        self.session_id = session_id
        self.user_id = user_id
        self.audience = Audience(FrameLog(first))
        self.dialogue = Dialogue(session_id, services, self.audience)
        self.questions = Questions(session_id, services, self.audience.broadcast)
        self._services = services
        self._attendance = Attendance()
        self._title: str | None = None
        self._was_entered = False
        self._left_at = services.clock()
        self._opening: asyncio.Task[None] | None = None

    # -- life

    async def open(self, user: User, caller: Caller) -> None:
        """Listen to what happens in the chat, and find out what runs; concurrent callers wait for the same.

        Raises:
            XswarmError: it could not be read.
        """
        if self._opening is None:
            self._opening = asyncio.create_task(self._open(user, caller), name=f"open chat {self.session_id}")
        await asyncio.shield(self._opening)

    async def _open(self, user: User, caller: Caller) -> None:
        self.dialogue.hold()
        for topic in self._topics():
            self._services.hub.subscribe(topic, self._on_event)
        await self.questions.load(caller)
        await self.dialogue.attach(user)

    def expect(self) -> None:
        """Note that somebody is about to come in."""
        self._left_at = self._services.clock()

    def close(self) -> None:
        """Stop listening."""
        for topic in self._topics():
            self._services.hub.unsubscribe(topic, self._on_event)

    def is_over(self, now: float) -> bool:
        """Return whether nobody needs the room any more; forget old frames.

        Args:
            now: monotonic time in seconds.
        """
        self.audience.log.forget(now)
        if self.audience.members or self.dialogue.running:
            self._left_at = now
            return False
        return self._left_at + (KEPT_SECONDS if self.audience.log.size else EMPTY_SECONDS) <= now

    def _topics(self) -> Sequence[str]:
        return (f"session:{self.session_id}", f"chat:{self.session_id}")

    # -- connections

    def join(self, member: Member, history_count: int) -> Numbered:
        """Let a connection in; return its first frame, which has the number of the last one before it came.

        The first one of all gets everything that happened since the room was made: nobody has seen it.
        """
        self.audience.members[member] = None
        self._attendance.came(member, self.user_id)
        log = self.audience.log
        before = log.last if self._was_entered else log.floor
        return numbered(frames.Connected(session_id=self.session_id, history_count=history_count), before)

    def welcome(self, member: Member) -> None:
        """Tell a connection that was let in what it must know, and everybody who is there."""
        if not self._was_entered:
            self._was_entered = True
            for frame in self.audience.log.after(self.audience.log.floor) or ():
                member.post(frame)
        for question in self.questions.open():
            self.audience.tell(member, question)
        if len(self.audience.members) > 1:
            self._show_presence()

    def leave(self, member: Member) -> None:
        """Let a connection out."""
        if member in self.audience.members:
            del self.audience.members[member]
            self._attendance.left(member)
            self._left_at = self._services.clock()
            if self.audience.members:
                self._show_presence()

    def types(self, member: Member) -> None:
        """Show the others that a person writes."""
        if self._attendance.types(member, self._services.clock()) and len(self.audience.members) > 1:
            self._show_presence()

    def wrote(self, member: Member) -> None:
        """Show the others that a person has sent what they wrote."""
        if self._attendance.wrote(member) and len(self.audience.members) > 1:
            self._show_presence()

    def look(self) -> None:
        """Show everybody who has stopped writing."""
        if self._attendance.stopped(self._services.clock()) and len(self.audience.members) > 1:
            self._show_presence()

    def _show_presence(self) -> None:
        self.audience.announce(self._attendance.frame())

    # -- what was said

    async def replay(self, user: User, after_seq: int) -> Replay:
        """Return the frames after a number; where they are gone, the history, the ends and the running answer.

        Raises:
            XswarmError: the history cannot be read.
        """
        log = self.audience.log
        kept = log.after(after_seq)
        if kept is not None:
            return Replay(frames=kept)
        history = await self.history(user)
        before = max(self.dialogue.before_answer, log.floor)
        ends = log.ends(after_seq, before) if after_seq else []  # 0 = it has seen nothing
        first = ends[0].seq - 1 if ends else before
        frames = [numbered(history, first), *ends, *(log.after(before) or [])]
        return Replay(frames=frames, instead_of=log.numbers(before))

    async def history(self, user: User, asked: frames.GetHistory = _NEWEST) -> frames.History:
        """Return messages of the chat; answers whose ends have not gone out are not among them.

        Raises:
            XswarmError: they cannot be read.
        """
        before = MessageId(asked.before) if asked.before is not None else None
        limit = asked.limit or frames.HISTORY_MESSAGES
        for _ in range(READ_AGAIN):
            ends = self.dialogue.ends
            found = await self._services.chats.history(user, self.session_id, limit=limit + 1, before=before)
            if self.dialogue.ends == ends:
                break
        ended = [one for one in found if one.role == "user" or not self.dialogue.is_open(one.message_id)]
        return views.history(ended, limit=limit, before=before)

    async def show_history(self, user: User, *, but: Member) -> None:
        """Send everybody but one the history, because messages have left it.

        Raises:
            XswarmError: it cannot be read.
        """
        if len(self.audience.members) > 1:
            self.audience.announce(await self.history(user), but=but)

    # -- what happens

    def _on_event(self, event: events.AnyEvent) -> None:
        match event:
            case events.ConfirmationAsked():
                self.questions.on_asked(event)
            case events.ConfirmationAnswered():
                self.questions.on_answered(event)
            case events.ChatNotice(message=message):
                self.audience.announce(frames.Notice(message=message))
            case events.SessionUpdated(session_id=session_id, title=title):
                if session_id == self.session_id and isinstance(title, str) and title != self._title:
                    self._title = title
                    self.audience.broadcast(frames.TitleChanged(title=title))
            case _:
                self.dialogue.on_event(event)
