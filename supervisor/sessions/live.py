"""A session in memory: its record, its process and the turn that uses it."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from supervisor.people.projects import CLAUDE_MD, Project
from supervisor.permissions.paths import edited_places
from supervisor.permissions.policy import NeedsApproval, Risk, changes_something, decide, look_again
from supervisor.permissions.protected import Protection
from supervisor.permissions.tools import EDITS
from supervisor.protocol import conversation as talk
from supervisor.protocol.messages import SessionId, UserId
from supervisor.protocol.ports.connector import Conversation
from supervisor.protocol.tools import ToolOutput
from supervisor.runtime.umask import OF_PROJECTS
from supervisor.sessions.binding import TurnBinding
from supervisor.sessions.lifecycle import Lifecycle
from supervisor.spending.meter import SessionMeter
from supervisor.store.records.session import Session
from supervisor.store.records.turn import Turn
from supervisor.tools.claude_code.session_tools import SessionTools

MOVED = "the project's folder was moved away or replaced after this session had started in it"
"""Why no tool of a process runs any more."""

LOOK_SECONDS = 0.1
"""How long a look at the project's folder is good for the start of a turn; each tool call looks again."""

MAX_COMING = 200
"""Places of the last edits that were allowed unasked, which may not have been written yet."""

CUT_OFF = (
    "the turn before this message was interrupted by a restart: check what of it took effect before you rely on it "
    "or do it again"
)
"""Note for the model on the first message after an interrupted turn."""


def home_of(state_dir: Path, record: Session) -> str:
    """Return the connector's own folder for a session."""
    return str(state_dir / "sessions" / record.conversation_id)


class LiveSession:
    """A session in memory, with or without a process.

    Args:
        own_folders: the daemon's own, which no tool may touch: state.dir first, in which the session has its home.
        node: the name of this one; empty = it is alone.

    Attributes:
        record: the record as it was when the session was taken into memory; the current status is the lifecycle's.
        home: the connector's own folder for the session.
        lock: held while the process starts or closes.
        claims: number of turns that run or are about to; while it is not 0, nothing reaps or evicts the process.
        used: monotonic time of the last turn's end, in seconds.
        conversation: the open conversation; None = the session has no process.
        endpoint: the way of the process to a model; None = it has none.
        tools: the tools of tool servers for the process; None = it has none.
        folder: device and inode of the project's folder when the process started; None = it is not on this machine.
        pump: the task that reads the events of the process.
        prompted: the connector has ever got a prompt in this conversation, so the next process resumes it.
        keeper: the node that gave the last prompt; empty = not known.
        cut_off: the last turn was interrupted, and the next one gets a note about it.
        tap: takes each line that the process writes; None = nobody wants them.
        suspending: the process is being closed while its turn waits for a person; neither turn nor session ends.
        turn: the binding of the running turn; None = no turn runs.
    """

    def __init__(
        self, record: Session, project: Project, meter: SessionMeter, own_folders: Sequence[Path], *, node: str = ""
    ) -> None:
        self.record = record
        self.project = project
        self.meter = meter
        self.home = home_of(own_folders[0], record)
        self.lifecycle = Lifecycle(record.status, record.end_reason)
        self.lock = asyncio.Lock()
        self.claims = 0
        self.used = time.monotonic()
        self.conversation: Conversation | None = None
        self.endpoint: talk.ModelEndpoint | None = None
        self.tools: SessionTools | None = None
        self.folder: tuple[int, int] | None = None
        self._looked = 0.0
        self.pump: asyncio.Task[None] | None = None
        self.prompted = record.started
        self.keeper = record.node
        self._node = node
        self.cut_off = False
        self.tap: talk.Tap | None = None
        self.suspending = False
        self.turn: TurnBinding | None = None
        self._guarded: frozenset[Risk] = frozenset()
        self._decides = asyncio.Event()
        self._decides.set()
        self._coming: deque[str] = deque(maxlen=MAX_COMING)
        self._own_folders = own_folders

    @property
    def id(self) -> SessionId:
        """The id of the session."""
        return self.record.id

    @property
    def new_keeper(self) -> str:
        """This node, where the start of a turn must note that it gives the prompts now; empty = that is noted."""
        return "" if self.keeper == self._node else self._node

    @property
    def reapable(self) -> bool:
        """Whether nothing uses the session at this moment."""
        return self.claims == 0 and not self.lock.locked()

    @cached_property
    def _private(self) -> Sequence[str]:
        """The folders of the daemon's own files, symlinks resolved; no tool may touch them."""
        return [os.path.realpath(folder) for folder in self._own_folders]

    def note_folder(self) -> None:
        """Note in which folder the process is about to start."""
        self.folder = _identity(self.record.project_path)
        self._looked = time.monotonic()

    def has_moved(self, *, within: float = 0.0) -> bool:
        """Return whether the path of the project no longer leads to the folder in which the process started.

        Args:
            within: seconds for which an earlier look counts: it blocks the event loop.
        """
        now = time.monotonic()
        if self.folder is None or now - self._looked < within:
            return False
        if _identity(self.record.project_path) != self.folder:
            return True
        self._looked = now
        return False

    def spec(self, turn_timeout: float) -> talk.SessionSpec:
        """Return all that a connector may know of the session."""
        return talk.SessionSpec(
            id=self.id,
            conversation_id=self.record.conversation_id,
            resume=self.prompted,
            user_id=self.record.user_id,
            project=self.record.project,
            project_path=self.record.project_path,
            permissions=self.project.permissions,
            instructions=os.path.join(self.project.path, CLAUDE_MD) if self.project.claude_md else "",
            model=self.project.model,
            home=self.home,
            endpoint=self.endpoint,
            decide=self.decide,
            tap=self.tap,
            turn_timeout=turn_timeout,
            umask=OF_PROJECTS,
            tool_endpoint=self.tools.endpoint if self.tools is not None else None,
            elsewhere=self.keeper != "" and self.new_keeper != "",
        )

    def user(self) -> UserId | None:
        """Return the user whose turn runs; None = no turn runs."""
        return self.turn.user_id if self.turn is not None else None

    def noted(self, turn: Turn) -> Turn:
        """Return a turn with a note for the model, where the turn before it was interrupted."""
        if not self.cut_off:
            return turn
        self.cut_off = False
        return replace(turn, note=f"{turn.note}; {CUT_OFF}" if turn.note else CUT_OFF)

    def bind(self, turn: TurnBinding) -> None:
        """Give the process to a turn that begins, and decide its tool calls."""
        self.prompted = True
        self.turn = turn
        self._forget_calls()
        self._guarded = turn.guarded
        self._decides.set()

    def unbind(self) -> None:
        """Take the process from its turn, which ended without another one in its place.

        The turn's guarded risks stay guarded: a call without a turn is allowed no more than one of the last turn.
        """
        self.turn = None
        self._forget_calls()
        self._decides.set()

    def hold_calls(self) -> None:
        """Decide no tool call until the next `bind`: the next turn has begun in the process, but not in the store."""
        self._decides.clear()

    def hear(self, event: talk.ConversationEvent) -> None:
        """Pass an event of the process to the running turn."""
        if self.turn is not None and not self.suspending:
            self.turn.sink(event)

    async def decide(self, call: talk.ToolCall) -> talk.Verdict:
        """Decide a tool call by the project's permissions; a refusal is kept for the turn's answer.

        Raises:
            StorageError: the call could not be recorded, so it must not run: after a crash it would be unknown.
        """
        await self._decides.wait()
        shown = await self.tools.shown(call) if self.tools is not None else call
        if isinstance(shown, ToolOutput):
            return talk.Verdict(allowed=False, reason=shown.text)
        reading = self.tools.reading if self.tools is not None else frozenset[str]()
        protection = Protection(self.project.protected, self._coming)
        verdict = decide(
            call,
            self.project.permissions,
            self.record.project_path,
            own=self._private,
            home=self.home,
            protection=protection,
            reading=reading,
        )
        if self.has_moved():  # a tool would create the folder anew, or work in the one that was moved away
            verdict = talk.Verdict(allowed=False, reason=MOVED)
        if verdict.allowed and self._guarded:
            verdict = look_again(
                call, verdict, self.record.project_path, self._guarded, protection=protection, reading=reading
            )
        unasked = verdict.allowed
        if unasked and call.name in EDITS:  # before the next call is decided: subagents write at the same time
            self._coming.extend(edited_places(call, self.record.project_path))
        if isinstance(verdict, NeedsApproval) and self.turn is not None:
            verdict = await self.turn.ask_person(shown, verdict)
        if self.turn is not None:  # the turn may have ended while a person was asked
            if not verdict.allowed:
                self.turn.denied.append(verdict.reason)
                verdict = self._told(verdict)
            elif changes_something(call, reading):
                await self.turn.record(shown, unasked=unasked)
        if verdict.allowed and self.tools is not None:
            self.tools.allow(call)
        return verdict

    def _told(self, verdict: talk.Verdict) -> talk.Verdict:
        """Return a refusal as the model may read it: the person's answer names people, the model does not know them."""
        return verdict if self.tools is None else replace(verdict, reason=self.tools.hidden(verdict.reason))

    def _forget_calls(self) -> None:
        if self.tools is not None:
            self.tools.forget()


def _identity(folder: str) -> tuple[int, int] | None:
    try:
        found = os.stat(folder)
    except OSError:
        return None
    return found.st_dev, found.st_ino


class Claim:
    """Keeps the process of a session from being reaped or evicted, as long as its `with` block lasts.

    It is a class and no generator, because each turn makes one.

    Args:
        released: called at the end of the block.
    """

    __slots__ = ("_released", "_session")

    def __init__(self, session: LiveSession, released: Callable[[], None]) -> None:
        self._session = session
        self._released = released

    def __enter__(self) -> None:
        self._session.claims += 1

    def __exit__(self, *exc: object) -> None:
        self._session.claims -= 1
        self._session.used = time.monotonic()
        self._released()
