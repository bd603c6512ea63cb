"""Chats whose answers a test writes, without a store and without turns."""

from __future__ import annotations

import asyncio
import builtins
from collections import deque
from collections.abc import Sequence

from supervisor.delivery.hub import Hub
from supervisor.operations.approvals import ApprovalOperations
from supervisor.operations.chat_history import ChatMessage
from supervisor.operations.chats.chats import ChatOperations
from supervisor.operations.chats.records import ChatEnd, ChatOpened, ChatQueued, ChatTaken
from supervisor.people.identity import Caller, Directory
from supervisor.protocol import events
from supervisor.protocol.conversation import Tokens
from supervisor.protocol.errors import ApprovalNotFound, SessionNotFound, TurnFailed, XswarmError
from supervisor.protocol.messages import MessageId, ProjectName, SessionId, UserId
from supervisor.protocol.queue import Mode
from supervisor.protocol.status import Role, Target, TurnState
from supervisor.store.ports.approvals import Approval
from supervisor.store.ports.people.sign_in import Way
from supervisor.store.records.accounts import User
from supervisor.store.records.result import Result
from supervisor.store.records.turn import Turn
from supervisor.wires.chat.rooms.log import Numbered
from supervisor.wires.chat.rooms.services import RoomServices

ALICE = User(id=UserId("alice"), name="Alice", role=Role.ADMIN, addresses=())
CALLER = Caller(name="alice", user_id=ALICE.id)
SESSION = SessionId("s1")


class Clock:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Listener:
    """A connection that keeps what it gets."""

    def __init__(self) -> None:
        self.got: list[Numbered] = []

    way = ""
    source = ""

    def post(self, frame: Numbered) -> None:
        self.got.append(frame)

    @property
    def texts(self) -> list[str]:
        """The frames as JSON, without their numbers."""
        return [frame.data.decode().rpartition(',"seq":')[0] + "}" for frame in self.got]


class ScriptedChats(ChatOperations):
    """One chat of alice; the test says what happens to its messages.

    Attributes:
        refusal: what `submit` raises; None = it accepts.
        deaf: `interrupt` is taken and has no effect.
        begun: clear = the first answer has not begun, and an interrupt waits for it.
        known: the history.
        ended_before: what `ended_since_start` returns.
    """

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.refusal: XswarmError | None = None
        self.deaf = False
        self.begun = asyncio.Event()
        self.begun.set()
        self.known: list[ChatMessage] = []
        self.so_far: list[tuple[MessageId, str]] = []
        self.unfinished: list[MessageId] = []
        self.ended_before: list[ChatEnd] = []
        self.queued: ChatQueued | None = None
        self.told: str | None = None
        self.accepted: dict[str, MessageId] = {}
        self.open_ids: deque[MessageId] = deque()
        self.stopped: set[MessageId] = set()
        self._ends: dict[MessageId, asyncio.Future[ChatEnd]] = {}
        self._count = 0

    # -- what a test does

    def say(self, message_id: str, text: str) -> None:
        """Write a piece of an answer."""
        self.publish(events.ClaudeCodeDelta(session_id=SESSION, message_id=message_id, text=text))

    def publish(self, event: events.AnyEvent) -> None:
        """Publish an event of the chat."""
        self.hub.publish(event, (f"session:{SESSION}", f"chat:{SESSION}"))

    def end(
        self, message_id: str, state: TurnState = TurnState.COMPLETED, *, answer: str = "", joined: Sequence[str] = ()
    ) -> None:
        """End an answer, and the messages that joined it."""
        found = MessageId(message_id)
        if found in self.stopped and state is TurnState.COMPLETED:
            state = TurnState.CANCELLED
        error = None if state is TurnState.COMPLETED else TurnFailed("it broke")
        for one in (found, *(MessageId(other) for other in joined)):
            if one in self.open_ids:
                self.open_ids.remove(one)
            future = self._future(one)
            if not future.done():
                others = tuple(MessageId(other) for other in joined) if one == found else ()
                future.set_result(ChatEnd(result=result(one, state, answer=answer, joined=others), error=error))

    # -- what the room asks

    async def open(self, user: User, session_id: SessionId | None) -> ChatOpened:
        if session_id not in (None, SESSION):
            raise SessionNotFound(session_id or "")
        return ChatOpened(session_id=SESSION, history_count=len(self.known))

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
        if self.refusal is not None:
            raise self.refusal
        if external_id is not None and external_id in self.accepted:
            return ChatTaken(message_id=self.accepted[external_id])
        message_id = self.arrive(text)
        if external_id is not None:
            self.accepted[external_id] = message_id
        await asyncio.sleep(0)
        if self.told is not None:
            self.open_ids.remove(message_id)
        return ChatTaken(message_id=message_id, told=self.told, queued=self.queued)

    def arrive(self, text: str) -> MessageId:
        """Accept a message, and tell those who watch; return its id."""
        self._count += 1
        message_id = MessageId(f"m{self._count:03}")
        self.open_ids.append(message_id)
        self.publish(
            events.ChatPrompt(session_id=SESSION, message_id=message_id, user_id="alice", channel="chat", text=text)
        )
        return message_id

    async def edit(
        self, user: User, session_id: SessionId, message_id: MessageId, content: str, *, way: str = "", source: str = ""
    ) -> ChatTaken:
        return await self.submit(user, session_id, content)

    async def wait(self, message_id: MessageId) -> ChatEnd:
        return await asyncio.shield(self._future(message_id))

    async def end_of(self, user: User, session_id: SessionId, message_id: MessageId) -> ChatEnd | None:
        future = self._future(message_id)
        return future.result() if future.done() else None

    async def ended_since_start(self, user: User, session_id: SessionId) -> Sequence[ChatEnd]:
        return self.ended_before

    async def running(self, user: User, session_id: SessionId) -> Sequence[MessageId]:
        return self.unfinished

    def written(self, session_id: SessionId) -> builtins.list[tuple[MessageId, str]]:
        return self.so_far

    async def interrupt(self, user: User, session_id: SessionId) -> MessageId | None:
        await asyncio.sleep(0)
        await self.begun.wait()
        if not self.open_ids:
            return None
        running = self.open_ids[0]
        self.stopped.add(running)
        if not self.deaf:
            self.end(running, TurnState.CANCELLED)
        return running

    async def history(
        self, user: User, session_id: SessionId, *, limit: int = 100, before: MessageId | None = None
    ) -> builtins.list[ChatMessage]:
        await asyncio.sleep(0)
        return self.known

    def _future(self, message_id: MessageId) -> asyncio.Future[ChatEnd]:
        return self._ends.setdefault(message_id, asyncio.get_running_loop().create_future())


class ScriptedApprovals(ApprovalOperations):
    """Questions that a test asks.

    Attributes:
        waiting: the open ones.
        answers: what was answered: id, yes or no, note; `minutes`: of the last yes.
        error: what an answer raises; None = it is taken.
    """

    def __init__(self) -> None:
        self.waiting: list[Approval] = []
        self.answers: list[tuple[str, bool, str]] = []
        self.minutes = 0
        self.error: XswarmError | None = None

    async def open(self, caller: Caller) -> list[Approval]:
        return self.waiting

    async def resolve(
        self,
        caller: Caller,
        name: str,
        *,
        allow: bool,
        channel: str,
        proven_by: Way | None = None,
        minutes: int = 0,
        note: str = "",
    ) -> Approval:
        if self.error is not None:
            raise self.error
        self.answers.append((name, allow, note))
        self.minutes = minutes
        if not self.waiting:
            raise ApprovalNotFound(name)
        return self.waiting[0]


def services(clock: Clock | None = None, *, stop_seconds: float = 0.01) -> RoomServices:
    """Return what a room uses, all scripted."""
    hub = Hub()
    directory = Directory(operator_token="x" * 32, service_token=None, jwt_secret=b"k" * 32)
    directory.replace([ALICE], [])
    return RoomServices(
        chats=ScriptedChats(hub),
        approvals=ScriptedApprovals(),
        hub=hub,
        directory=directory,
        clock=clock or Clock(),
        stop_seconds=stop_seconds,
    )


def result(
    message_id: str,
    state: TurnState = TurnState.COMPLETED,
    *,
    answer: str = "",
    why: str = "",
    joined: tuple[MessageId, ...] = (),
) -> Result:
    """Return how a message ended."""
    turn = Turn(
        id=1,
        message_id=MessageId(message_id),
        lane=SESSION,
        target=Target.ASSISTANT,
        reason="",
        state=state,
        user_id=ALICE.id,
        session_id=SESSION,
        project=ProjectName(""),
        exclusive=False,
        channel="chat",
        thread=SESSION,
        text="",
        note="",
        context=None,
        reply=None,
        accepted_ms=0,
    )
    return Result(
        turn=turn,
        state=state,
        answer=answer,
        answer_id=None,
        why=why,
        stop_reason="interrupted" if state is TurnState.CANCELLED else "",
        duration_ms=1,
        cost_nanos=0,
        tokens=Tokens(),
        ended_ms=1,
        joined=joined,
    )
