"""Operations on chats: open one, write in it, wait for the answer, read, rename, delete, and replace a message."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

from supervisor.delivery.hub import Hub
from supervisor.delivery.views import session_updated
from supervisor.delivery.waiters import Waiters
from supervisor.intake.acceptor import Acceptor
from supervisor.intake.intake import Intake
from supervisor.intake.submission import Submission
from supervisor.operations.chat_history import ChatMessage, chat_messages
from supervisor.operations.chats.attachments import with_files
from supervisor.operations.chats.counting import whole
from supervisor.operations.chats.records import ChatEnd, ChatOpened, ChatQueued, ChatTaken
from supervisor.operations.chats.store import ChatOperationStore
from supervisor.operations.messages import MessageOperations
from supervisor.operations.work_request import DEDUP_SECONDS
from supervisor.protocol.errors import (
    IdempotencyConflict,
    InvalidMessage,
    MessageNotFound,
    NotAllowed,
    SessionNotFound,
    StorageError,
    XswarmError,
)
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import CHAT, Address, MessageId, ProjectName, SessionId, well_formed
from supervisor.protocol.queue import Mode
from supervisor.protocol.status import SessionKind, SessionStatus, Target, TurnState
from supervisor.protocol.times import Clock, now_ms
from supervisor.sentences.chat import DELETED, REPLACED, STOPPED
from supervisor.store.records.accounts import User
from supervisor.store.records.session import NewSession, Session
from supervisor.store.records.turn import Turn
from supervisor.tools.people.book import PeopleBook
from supervisor.turns.outcomes import failure
from supervisor.turns.running.turn import RunningTurn
from supervisor.turns.scheduler import TurnScheduler

MAX_TITLE = 200
"""Characters of the longest title."""


AWAITED_MS = 600_000
"""How long after the end of an answer a client may come back that waits for it, in milliseconds."""


class ChatOperations:
    """Chats of users. A user who may not see a chat is told that there is none.

    The answers of one chat run one after the other, and each ends before the next begins; what a prefix sends to Claude
    Code runs in the lane of its session, beside the assistant's.

    Attributes:
        people: whom models know by references, and their person by names.
    """

    def __init__(
        self,
        *,
        store: ChatOperationStore,
        messages: MessageOperations,
        intake: Intake,
        acceptor: Acceptor,
        turns: TurnScheduler,
        waiters: Waiters,
        hub: Hub,
        people: PeopleBook | None = None,
        clock: Clock = now_ms,
    ) -> None:
        self._store = store
        self._messages = messages
        self._intake = intake
        self._acceptor = acceptor
        self._turns = turns
        self._waiters = waiters
        self._hub = hub
        self.people = people or PeopleBook()
        self._clock = clock
        self._started_ms = clock()

    async def open(self, user: User, session_id: SessionId | None) -> ChatOpened:
        """Open a chat of a user, or a new one.

        Args:
            session_id: an id that nobody has is adopted. For one that is not the user's chat, a new one is opened: that
                of another user is never hinted at. None = a new one.
        """
        if session_id is not None:
            found = await self._store.sessions.get(session_id) or await self._create(user, session_id)
            if found is not None and found.is_chat and found.user_id == user.id:
                return ChatOpened(session_id=session_id, history_count=await self._store.chats.count(session_id))
        fresh = await self._create(user, SessionId(uuid7()))
        assert fresh is not None, "nobody has its id"
        return ChatOpened(session_id=fresh.id, history_count=0)

    async def submit(
        self,
        user: User,
        session_id: SessionId,
        text: str,
        *,
        mode: Mode | None = None,
        external_id: str | None = None,
        way: str = "",
        attachments: Sequence[str] = (),
        source: str = "",
    ) -> ChatTaken:
        """Accept a message and start it; returns once it is stored.

        Args:
            mode: what happens while an answer runs; None = it waits.
            external_id: the caller's own id of the message; its repetition is answered as the first.
            attachments: ids of files of the user, which no message carries yet.
            way, source: how the person proved who they are, and from which address, as in `Submission`.

        Raises:
            SessionNotFound: the user has no such chat.
            RateLimited, Overloaded, IdempotencyConflict, StorageError: nothing was accepted.
            NotAllowed: the message is stored and refused, with the reason.
        """
        session = await self.session(user, session_id)
        written = self._written(session, user, text, mode=mode, external_id=external_id, way=way)
        written = replace(written, source=source)
        return await self._submit(session, await with_files(written, attachments, self._store.uploads))

    async def wait(self, message_id: MessageId) -> ChatEnd:
        """Wait for the end of the answer to a message.

        Raises:
            ConnectionFailed: the daemon stops; the message is kept and runs after the restart.
            StorageError: the end cannot be stored yet; `wait` may be called again.
        """
        try:
            return ChatEnd(result=await self._messages.end_of(message_id))
        except StorageError:
            raise
        except XswarmError as error:
            stored = await self._store.turns.result(message_id)
            if stored is None or not stored.state.final:
                raise
            return ChatEnd(result=stored, error=error)

    async def end_of(self, user: User, session_id: SessionId, message_id: MessageId) -> ChatEnd | None:
        """Return how a message of a chat has ended; None = it has not, or is not in the chat.

        Raises:
            SessionNotFound: the user has no such chat.
        """
        await self.session(user, session_id)
        found = await self._store.turns.result(message_id)
        if found is None or not found.state.final or not _is_in(session_id, found.turn):
            return None
        return await self.wait(message_id)

    async def ended_since_start(self, user: User, session_id: SessionId) -> Sequence[ChatEnd]:
        """Return the ends of messages that a restart had cut off, oldest first, as far as a client may wait for them.

        Raises:
            SessionNotFound: the user has no such chat.
        """
        await self.session(user, session_id)
        since_ms = max(self._started_ms, self._clock() - AWAITED_MS)
        found = await self._store.chats.ended(session_id, before_ms=self._started_ms, since_ms=since_ms)
        return [await self.wait(turn.message_id) for turn in found]

    async def running(self, user: User, session_id: SessionId) -> Sequence[MessageId]:
        """Return the messages of a chat whose answers have not ended, oldest first.

        Raises:
            SessionNotFound: the user has no such chat.
        """
        await self.session(user, session_id)
        return [turn.message_id for turn in await self._store.chats.unfinished(session_id)]

    def written(self, session_id: SessionId) -> builtins.list[tuple[MessageId, str]]:
        """Return the messages whose answers run, oldest first, with what was shown so far of each answer."""
        return [(one.turn.message_id, one.so_far) for one in self._running_in(session_id)]

    async def interrupt(self, user: User, session_id: SessionId) -> MessageId | None:
        """Stop the running answer of a chat, the oldest where several run; return its message, None = none runs.

        Where none runs, a message for Claude Code that still waits for its process or its project is not begun.

        Raises:
            SessionNotFound: the user has no such chat.
        """
        await self.session(user, session_id)
        running = self._running_in(session_id)
        stopped = await self._turns.interrupt(running[0].turn.lane, user.id) if running else None
        if stopped is None:
            stopped = await self._turns.interrupt_next(session_id, user.id)
        if stopped is not None:
            return stopped.turn.message_id
        first = next(iter(await self._store.chats.unfinished(session_id)), None)
        if first is None:
            return None
        waits = first.lane != session_id
        if (waits and await self._cancel(first, STOPPED())) or await self._interrupt(first, user):
            return first.message_id
        return None

    async def history(
        self, user: User, session_id: SessionId, *, limit: int = 100, before: MessageId | None = None
    ) -> builtins.list[ChatMessage]:
        """Return the newest messages of a chat with their answers, in order.

        Args:
            limit: at most so many messages, their answers not counted.
            before: only what comes before this message or answer; None = the newest of all.

        Raises:
            SessionNotFound: the user has no such chat.
        """
        await self.session(user, session_id)
        entries = await self._store.chats.history(session_id, limit=limit, before=before)
        circles = {lane: await self.people.of(lane) for lane in {entry.result.turn.lane for entry in entries}}
        return chat_messages(entries, lambda turn, value: circles[turn.lane].people.read_in(value))

    async def list(
        self, user: User, *, limit: int, before: tuple[int, SessionId] | None = None
    ) -> builtins.list[Session]:
        """Return the chats of a user in which something was asked, newest activity first.

        Args:
            before: the (activity_ms, id) of the last chat of the page before; None = the first page.
        """
        found = await self._store.sessions.list(
            user_id=user.id, active_only=False, limit=limit, before=before, kind=SessionKind.CHAT
        )
        return await whole(self._store.chats, found)

    async def rename(self, user: User, session_id: SessionId, title: str) -> Session:
        """Give a chat a title, and tell those who have it open.

        Raises:
            SessionNotFound: the user has no such chat.
            InvalidMessage: the title is empty or too long.
        """
        await self.session(user, session_id)
        plain = " ".join(well_formed(title).split())
        if not 1 <= len(plain) <= MAX_TITLE:
            raise InvalidMessage("title", f"must have 1 to {MAX_TITLE} characters")
        renamed = await self._store.chats.rename(session_id, plain, now_ms=self._clock())
        if renamed is None:
            raise SessionNotFound(session_id)
        await self._announce(renamed)
        (shown,) = await whole(self._store.chats, [renamed])
        return shown

    async def delete(self, user: User, session_id: SessionId) -> None:
        """Stop what runs in a chat, take it out of every list and erase its texts; its costs stay.

        Raises:
            SessionNotFound: the user has no such chat.
        """
        await self.session(user, session_id)
        for turn in await self._store.chats.unfinished(session_id):
            if not await self._cancel(turn, DELETED()) and not await self._interrupt(turn, user):
                await self._turns.interrupt_next(turn.lane, user.id)
        if not await self._store.chats.delete(session_id, by=user.id, now_ms=self._clock()):
            raise SessionNotFound(session_id)

    async def edit(
        self, user: User, session_id: SessionId, message_id: MessageId, content: str, *, way: str = "", source: str = ""
    ) -> ChatTaken:
        """Ask again in other words: what came after the message leaves the history, and what runs of it is stopped.

        The files of the message go with the new one.

        Args:
            way, source: as of `submit`.

        Raises:
            SessionNotFound: the user has no such chat.
            MessageNotFound: the history does not have the message.
            As `submit`: nothing was accepted, and the history stays as it is.
        """
        session = await self.session(user, session_id)
        turn = await self._store.chats.find(session_id, message_id)
        if turn is None:
            raise MessageNotFound(message_id)
        written = self._written(session, user, content, mode=Mode.FOLLOWUP, external_id=None, way=way)
        written = replace(written, supersedes=turn.id, source=source)
        files = [file.id for file in turn.attachments]
        return await self._submit(session, await with_files(written, files, self._store.uploads))

    async def session(self, user: User, session_id: SessionId) -> Session:
        """Return the record of a chat.

        Raises:
            SessionNotFound: the user has no such chat.
        """
        session = await self._store.sessions.get(session_id)
        if session is None or not session.is_chat or session.user_id != user.id:
            raise SessionNotFound(session_id)
        return session

    async def _create(self, user: User, session_id: SessionId) -> Session | None:
        """Create a chat; return it, or the session that has its id; None = that one was deleted."""
        fresh = NewSession(
            id=session_id,
            user_id=user.id,
            project=ProjectName(""),
            project_path="",
            conversation_id=uuid7(),
            thread=f"session:{session_id}",
            kind=SessionKind.CHAT,
        )
        return await self._store.sessions.create(fresh, status=SessionStatus.IDLE, now_ms=self._clock())

    @staticmethod
    def _written(
        session: Session, user: User, text: str, *, mode: Mode | None, external_id: str | None, way: str
    ) -> Submission:
        return Submission(
            user=user,
            channel=CHAT,
            account=f"user:{user.id}",
            sender=Address(kind=CHAT, value=user.id),
            text=well_formed(text).strip(),
            thread=session.id,
            dedup_key=external_id,
            dedup_seconds=DEDUP_SECONDS,
            digest=sha256(text.encode(errors="surrogatepass")).hexdigest(),
            limited=True,
            waits=True,
            commands=True,
            mode=mode or Mode.FOLLOWUP,
            chat=session,
            way=way,
        )

    async def _submit(self, session: Session, written: Submission) -> ChatTaken:
        """Accept a message and start it, once what it replaces is stopped."""
        taken = await self._intake.submit(written)
        message_id = taken.accepted.message_id
        if taken.accepted.duplicate and not taken.accepted.same:
            raise IdempotencyConflict(str(written.dedup_key))
        if taken.decision.target is Target.REFUSED and not taken.accepted.duplicate:
            raise NotAllowed(taken.decision.reason)
        for turn in taken.accepted.replaced:
            if turn.state is TurnState.PENDING:  # T1 has cancelled it
                self._note_cancelled(turn, REPLACED())
            elif not await self._interrupt(turn, written.user):
                await self._turns.interrupt_for(turn.lane, message_id, written.user.id)
        self._acceptor.start(taken)
        if not session.title and taken.session_id is not None:
            await self._announce(session)
        told = None
        if taken.decision.target is Target.COMMAND or taken.accepted.duplicate:
            stored = await self._store.turns.result(message_id)
            told = stored.answer if stored is not None and stored.turn.target is Target.COMMAND else None
        queued = ChatQueued(position=taken.ahead, reason=taken.waits_for) if taken.ahead else None
        return ChatTaken(message_id=message_id, told=told, queued=queued, joined=taken.joined)

    async def _cancel(self, turn: Turn, why: str) -> bool:
        """Cancel a turn that waits, and tell those who wait for it; False = it does not wait any more."""
        if not await self._store.turns.cancel(turn.id, why, (), now_ms=self._clock()):
            return False
        self._note_cancelled(turn, why)
        return True

    def _note_cancelled(self, turn: Turn, why: str) -> None:
        """Tell those who wait for a turn that was cancelled in the store."""
        self._turns.note_removed(1)
        self._waiters.fail(turn.message_id, failure(turn, why))

    async def _interrupt(self, turn: Turn, user: User) -> bool:
        """Interrupt a turn; False = it is not running."""
        running = self._turns.running(turn.lane)
        if running is not None and running.turn.id == turn.id:
            return await self._turns.interrupt(turn.lane, user.id) is not None
        stopped = await self._store.elsewhere.stop(turn.lane, user.id, now_ms=self._clock())
        return stopped is not None and stopped.id == turn.id

    def _running_in(self, session_id: SessionId) -> builtins.list[RunningTurn]:
        """Return the running turns of a chat, oldest first."""
        found = [one for one in self._turns.running_turns() if _is_in(session_id, one.turn)]
        return sorted(found, key=lambda running: running.turn.id)

    async def _announce(self, session: Session) -> None:
        """Tell those who watch a chat, or the chats of its user, its record as it is now."""
        topics = (f"session:{session.id}", f"user:{session.user_id}", "sessions")
        if self._hub.wanted(*topics) and (record := await self._store.sessions.get(session.id)) is not None:
            self._hub.publish(session_updated(record), topics)


def _is_in(session_id: SessionId, turn: Turn) -> bool:
    """Return whether a turn is of a chat: the assistant answers it there, or it was written there."""
    return turn.session_id == session_id or (turn.channel, turn.thread) == (CHAT, session_id)
