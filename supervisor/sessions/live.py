"""A session in memory: its record, its process and the turn that uses it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from supervisor.people.projects import CLAUDE_MD, Project
from supervisor.protocol import conversation as talk
from supervisor.protocol.messages import SessionId, UserId
from supervisor.protocol.ports.connector import Conversation
from supervisor.runtime.umask import OF_PROJECTS
from supervisor.sessions.binding import TurnBinding
from supervisor.sessions.decisions.claude_code import ClaudeCodeDecisions
from supervisor.sessions.lifecycle import Lifecycle
from supervisor.spending.meter import SessionMeter
from supervisor.store.records.session import Session
from supervisor.store.records.turn import Turn

LOOK_SECONDS = 0.1
"""How long a look at the project's folder is good for the start of a turn; each tool call looks again."""

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
        own: as whom this node is noted as keeper: its id, and its name, by which earlier versions noted it; empty = it
            is alone.

    Attributes:
        record: the record as it was when the session was taken into memory; the current status is the lifecycle's.
        home: the connector's own folder for the session.
        lock: held while the process starts or closes.
        claims: number of turns that run or are about to; while it is not 0, nothing reaps or evicts the process.
        used: monotonic time of the last turn's end, in seconds.
        conversation: the open conversation; None = the session has no process.
        endpoint: the way of the process to a model; None = it has none.
        folder: device and inode of the project's folder when the process started; None = it is not on this machine.
        pump: the task that reads the events of the process.
        prompted: the connector has ever got a prompt in this conversation, so the next process resumes it.
        cut_off: the last turn was interrupted, and the next one gets a note about it.
        tap: takes each line that the process writes; None = nobody wants them.
        suspending: the process is being closed while its turn waits for a person; neither turn nor session ends.
        turn: the binding of the running turn; None = no turn runs.
        decisions: decides about the tool calls of the process, and has its tools of tool servers.
    """

    def __init__(
        self,
        record: Session,
        project: Project,
        meter: SessionMeter,
        own_folders: Sequence[Path],
        *,
        own: Sequence[str] = (),
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
        self.folder: tuple[int, int] | None = None
        self._looked = 0.0
        self.pump: asyncio.Task[None] | None = None
        self.prompted = record.started
        self._keeper = record.node  # the id of the node that gave the last prompt, or the name; empty = not known
        self._own = own
        self.cut_off = False
        self.tap: talk.Tap | None = None
        self.suspending = False
        self.turn: TurnBinding | None = None
        self.decisions = ClaudeCodeDecisions(
            record, project, home=self.home, own_folders=own_folders, has_moved=self.has_moved
        )

    @property
    def id(self) -> SessionId:
        """The id of the session."""
        return self.record.id

    @property
    def new_keeper(self) -> str:
        """This node, where the start of a turn must note that it gives the prompts now; empty = that is noted."""
        return self._own[0] if self._own and self._keeper != self._own[0] else ""

    @property
    def reapable(self) -> bool:
        """Whether nothing uses the session at this moment."""
        return self.claims == 0 and not self.lock.locked()

    def keeper_noted(self) -> None:
        """Note that the store has this node as keeper; without effect where it is alone."""
        self._keeper = self.new_keeper or self._keeper

    def asked_for(self, tap: talk.Tap | None) -> None:
        """Note that somebody connects to the session by name: what failed before counts no longer.

        Args:
            tap: takes each line that the next process writes; None = nobody wants them.
        """
        self.tap = tap
        self.lifecycle.failures = 0

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
        tools = self.decisions.tools
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
            decide=self.decisions.decide,
            tap=self.tap,
            turn_timeout=turn_timeout,
            umask=OF_PROJECTS,
            tool_endpoint=tools.endpoint if tools is not None else None,
            elsewhere=bool(self._own) and self._keeper not in ("", *self._own),
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
        self.decisions.begin(turn)

    def unbind(self) -> None:
        """Take the process from its turn, which ended without another one in its place."""
        self.turn = None
        self.decisions.end()

    def hear(self, event: talk.ConversationEvent) -> None:
        """Pass an event of the process to the running turn."""
        if self.turn is not None and not self.suspending:
            self.turn.sink(event)


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
