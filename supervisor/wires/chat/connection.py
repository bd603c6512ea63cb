"""One connection of the chat: what its client sends, and what it gets."""

from __future__ import annotations

import asyncio
import logging
import secrets

from starlette.websockets import WebSocket, WebSocketDisconnect

from supervisor.commands.reading.words import answers_question
from supervisor.operations.chats.records import ChatOpened
from supervisor.people.identity import Caller, Directory
from supervisor.protocol.errors import InternalError, InvalidMessage, SessionNotFound, XswarmError
from supervisor.protocol.messages import SessionId
from supervisor.protocol.values.record import record
from supervisor.store.records.accounts import User
from supervisor.wires.chat import frames, views
from supervisor.wires.chat.codec import decode
from supervisor.wires.chat.handshake import Refusal, person, standing
from supervisor.wires.chat.outgoing import Outgoing, Wire
from supervisor.wires.chat.rooms.log import Numbered, Replay, numbered
from supervisor.wires.chat.rooms.registry import Rooms
from supervisor.wires.chat.rooms.room import Room
from supervisor.wires.peers import refuse_agent

logger = logging.getLogger(__name__)

HOLD_SECONDS = 1.0
"""How long frames are held back from a client that has come back, so that what it missed comes first, in seconds."""

CLOSE_SECONDS = 5.0
"""How long the client gets to read the rest and the close frame, in seconds."""

NO_REPLAY = Replay(frames=())

GONE = 1003
SLOW = Refusal(1008, "reading too slowly")


@record
class ChatState:
    """What all connections share.

    Attributes:
        hold_seconds: see `HOLD_SECONDS`.
    """

    rooms: Rooms
    directory: Directory
    hold_seconds: float = HOLD_SECONDS


class ChatConnection:
    """One client whose person is known.

    Args:
        socket: accepted.
        wire: its other side, to write without waiting.
    """

    def __init__(self, socket: WebSocket, wire: Wire, caller: Caller, state: ChatState) -> None:
        self.caller = caller
        self._socket = socket
        self._wire = wire
        self._state = state
        self._outgoing = Outgoing(wire, self._on_overflow)
        self._room: Room | None = None
        self._granted: dict[str, SessionId] = {}  # by the id that the client asked for
        self._held: list[Numbered] | None = None
        self._release: asyncio.TimerHandle | None = None
        self._closing = False

    # -- life

    async def serve(self, session_id: SessionId | None) -> None:
        """Read frames until the connection ends.

        Args:
            session_id: that the client asks for; None = a new one.
        """
        try:
            await self._enter(session_id)
            while not self._closing:
                message = await self._socket.receive()
                if message["type"] != "websocket.receive":
                    return
                text = message.get("text")
                if not isinstance(text, str):
                    await self.close(Refusal(GONE, "text frames only"))
                    return
                await self._on_text(text)
        except WebSocketDisconnect:
            return
        except XswarmError as error:
            logger.error("%s: the chat could not be opened: %s", self.caller.name, error)
            await self.close(Refusal(1011, "try again in a moment"))
        finally:
            self._leave()
            self._outgoing.close()

    async def close(self, why: Refusal) -> None:
        """Let the client read the rest, then close; a client that does not read is cut off."""
        if self._closing:
            return
        self._closing = True
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._outgoing.flush()
                await self._socket.close(why.code, why.reason)
        except (TimeoutError, WebSocketDisconnect, RuntimeError):
            self._wire.abort()

    @property
    def way(self) -> str:
        """How the person proved who they are: a `Way`."""
        return self.caller.proof

    @property
    def source(self) -> str:
        """The address that it comes from; empty = not known."""
        return self.caller.source

    def post(self, frame: Numbered) -> None:
        """Send a frame of the room after those before it; returns at once."""
        if self._held is not None:
            self._held.append(frame)
        else:
            self._outgoing.post(frame)

    # -- rooms

    async def _enter(self, session_id: SessionId | None) -> None:
        """Go into the room of a session, and out of the one before."""
        wanted = self._granted.get(session_id, session_id) if session_id is not None else None
        room, opened = await self._state.rooms.enter(self._user(), self.caller, wanted)
        self._leave()
        if session_id is not None:
            self._granted[session_id] = opened.session_id
        self._room = room
        self._outgoing.post(room.join(self, opened.history_count))
        if self._may_resume(room, opened, session_id):
            self._held = []
            self._release = asyncio.get_running_loop().call_later(self._state.hold_seconds, self._let_go)
        room.welcome(self)

    def _may_resume(self, room: Room, opened: ChatOpened, asked: SessionId | None) -> bool:
        """Return whether the client may have been here before, so that it may ask for what it missed."""
        return asked is not None and bool(opened.history_count or room.dialogue.running or room.audience.log.size)

    def _leave(self) -> None:
        self._let_go()
        if self._room is not None:
            self._room.leave(self)
            self._room = None

    def _let_go(self, replay: Replay = NO_REPLAY) -> None:
        """Send what was missed, then what was held back."""
        if self._release is not None:
            self._release.cancel()
            self._release = None
        held, self._held = self._held or [], None
        sent = {frame.seq for frame in replay.frames} | replay.instead_of
        for frame in sorted([*replay.frames, *(one for one in held if one.seq not in sent)], key=lambda one: one.seq):
            self._outgoing.post(frame)

    # -- frames

    async def _on_text(self, text: str) -> None:
        refusal = standing(self.caller, self._state.directory)
        if refusal is not None:
            await self.close(refusal)
            return
        try:
            frame = decode(text)
        except InvalidMessage as error:
            self._let_go()
            self._tell(views.refused(error))
            return
        try:
            if not isinstance(frame, frames.Resume):
                self._let_go()
            await self._do(frame)
        except XswarmError as error:
            self._failed(frame, error)
        except Exception:
            reference = secrets.token_hex(4)
            logger.exception("%s: a frame of %s failed", reference, self.caller.name)
            self._failed(frame, InternalError(reference))

    def _failed(self, frame: frames.ClientFrame, error: XswarmError) -> None:
        """Tell why a frame was not carried out: an `error` refuses a message, everything else ends no answer."""
        self._let_go()
        refused = views.refused(error)
        if isinstance(frame, frames.UserMessage | frames.Edit):
            self._tell(refused)
        else:
            self._tell(frames.Notice(message=refused.message, code=refused.code))

    async def _do(self, frame: frames.ClientFrame) -> None:
        room, user = self._here(), self._user()
        match frame:
            case frames.UserMessage():
                await self._submit(frame)
            case frames.Interrupt():
                await room.dialogue.interrupt(self, user)
            case frames.GetHistory():
                self._tell(await room.history(user, frame))
            case frames.Resume(after_seq=after_seq, open=open_ids):
                self._let_go(await room.replay(user, after_seq))
                told = room.audience.log.ended_after(after_seq)
                await room.dialogue.tell_ends(self, user, [one for one in open_ids if one not in told])
                self._tell(frames.Resumed())
            case frames.Confirm():
                await refuse_agent(self._socket)
                if why := await room.questions.answer(self.caller, frame):
                    self._tell(frames.Notice(message=why))
            case frames.Edit():
                await self._refuse_agents(frame.content)
                await room.dialogue.edit(self, user, frame)
                await room.show_history(user, but=self)
            case frames.Typing():
                room.types(self)

    async def _submit(self, frame: frames.UserMessage) -> None:
        await self._refuse_agents(frame.content)
        if frame.session_id is not None:
            asked = SessionId(frame.session_id)
            if self._granted.get(asked, asked) != self._here().session_id:
                await self._enter(asked)
                self._let_go()  # the client has something new to say, and misses nothing
        room = self._here()
        room.wrote(self)
        try:
            await room.dialogue.submit(self, self._user(), frame)
        except SessionNotFound:  # it was deleted meanwhile
            self._granted.clear()
            await self._enter(None)
            await self._here().dialogue.submit(self, self._user(), frame)

    async def _refuse_agents(self, content: str) -> None:
        """Return if a message answers no question, or certainly comes from no agent.

        Raises:
            NotAllowed: it comes from an agent, or nobody can tell.
        """
        if answers_question(content):
            await refuse_agent(self._socket)

    def _tell(self, frame: frames.ServerFrame) -> None:
        if self._room is not None:
            self._room.audience.tell(self, frame)
        else:
            self._outgoing.post(numbered(frame, 0))

    def _here(self) -> Room:
        assert self._room is not None, "frames are read in a room"
        return self._room

    def _user(self) -> User:
        return person(self.caller, self._state.directory)

    def _on_overflow(self) -> None:
        logger.warning("%s: chat connection cut off, because the client does not read", self.caller.name)
        self._closing = True
        self._wire.abort()
