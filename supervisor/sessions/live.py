"""A session in memory: its state, its process, and what uses it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

from supervisor.approvals.pending import AskingTurn
from supervisor.people.projects import Project
from supervisor.permissions.policy import NeedsApproval, Risk, changes_something, decide, look_again
from supervisor.protocol import conversation as talk
from supervisor.protocol.ports import Conversation
from supervisor.sessions.lifecycle import Lifecycle
from supervisor.spending.meter import SessionMeter
from supervisor.store.records.session import Session
from supervisor.store.records.turn import Turn

Sink = Callable[[talk.ConversationEvent], None]
Witness = Callable[[talk.ToolCall], Awaitable[None]]
AskPerson = Callable[[talk.ToolCall, NeedsApproval], Awaitable[talk.Verdict]]

CUT_OFF = (
    "the turn before this message was interrupted by a restart: check what of it took effect before you rely on it "
    "or do it again"
)
"""What the model is told with the next message."""


class TurnInProcess(AskingTurn, Protocol):
    """A running turn, as far as its session's process needs it."""

    def on_event(self, event: talk.ConversationEvent) -> None:
        """Take one event of the conversation; never blocks."""


def home_of(state_dir: Path, session: Session) -> str:
    """Return the connector's own folder for a session."""
    return str(state_dir / "sessions" / session.conversation_id)


class LiveSession:
    """A session in memory, with or without a process.

    Attributes:
        session: the record as it was when it was taken into memory; its status is the lifecycle's.
        home: the connector's own folder for it.
        claims: turns that run, or are about to; while there is one nothing reaps or evicts the process.
        sink: takes the events of the running turn.
        tap: takes what the process writes, line by line; None = nobody wants it.
        resting: its process is being closed only until a person has answered a question.
        denied: tool calls of the running turn that were refused, as sentences.
        witness: keeps, on disk, that a call which may change something is about to run.
        cut_off: the turn before the next one was interrupted.
        guarded: what the running turn may not do unasked even where its project allows everything.
        outdate: lets no yes count that was kept for a call; None = none has been kept since it was called.
        ask_person: asks about a call of the running turn that needs a person's approval, and waits for the answer.
        resumed: cleared between two turns that follow each other in the process: until the next begins, no call is
            decided.
        used: monotonic time of the last turn's end, in seconds.
    """

    def __init__(self, session: Session, project: Project, meter: SessionMeter, state_dir: Path) -> None:
        self.session = session
        self.resumed = asyncio.Event()
        self.resumed.set()
        self.home = home_of(state_dir, session)
        self._state_dir = state_dir
        self.project = project
        self.meter = meter
        self.lifecycle = Lifecycle(session.status, session.end_reason)
        self.conversation: Conversation | None = None
        self.endpoint: talk.ModelEndpoint | None = None
        self.pump: asyncio.Task[None] | None = None
        self.lock = asyncio.Lock()
        self.claims = 0
        self.prompted = session.started
        self.cut_off = False
        self.sink: Sink | None = None
        self.tap: talk.Tap | None = None
        self.denied: list[str] = []
        self.resting = False
        self.witness: Witness | None = None
        self.outdate: Callable[[], Awaitable[None]] | None = None
        self.ask_person: AskPerson | None = None
        self.guarded: frozenset[Risk] = frozenset()
        self.used = time.monotonic()

    @cached_property
    def _private(self) -> str:
        """Where the daemon's own files are, symlinks resolved: what no tool may touch."""
        return os.path.realpath(self._state_dir)

    @property
    def reapable(self) -> bool:
        """Whether nothing uses the session at this moment."""
        return self.claims == 0 and not self.lock.locked()

    def spec(self, turn_timeout: float) -> talk.SessionSpec:
        """Return all that a connector may know of the session."""
        return talk.SessionSpec(
            id=self.session.id,
            conversation_id=self.session.conversation_id,
            resume=self.prompted,
            user_id=self.session.user_id,
            project=self.session.project,
            project_path=self.session.project_path,
            permissions=self.project.permissions,
            model=self.project.model,
            home=self.home,
            endpoint=self.endpoint,
            decide=self.decide,
            tap=self.tap,
            turn_timeout=turn_timeout,
        )

    def noted(self, turn: Turn) -> Turn:
        """Return the turn that begins, with a note for the model where the one before it was interrupted."""
        if not self.cut_off:
            return turn
        self.cut_off = False
        return replace(turn, note=f"{turn.note}; {CUT_OFF}" if turn.note else CUT_OFF)

    async def decide(self, call: talk.ToolCall) -> talk.Verdict:
        """Answer a tool call by the project's permissions, keeping what was refused for the turn's answer.

        Raises:
            StorageError: that it runs could not be recorded, so it must not: after a crash nobody would know of it.
        """
        await self.resumed.wait()
        verdict = decide(
            call, self.project.permissions, self.session.project_path, state_dir=self._private, home=self.home
        )
        if verdict.allowed and self.guarded:
            verdict = look_again(call, verdict, self.session.project_path, self.guarded)
        unasked = verdict.allowed
        if isinstance(verdict, NeedsApproval) and self.ask_person is not None:
            verdict = await self.ask_person(call, verdict)
        if not verdict.allowed:
            self.denied.append(verdict.reason)
        elif self.witness is not None and changes_something(call):
            if unasked and (outdate := self.outdate) is not None:
                await outdate()  # `python x.py` was allowed as long as x.py is what it was
                self.outdate = None
            await self.witness(call)
        return verdict


class Claim:
    """What uses a session as long as its `with` block lasts; a class, since each turn makes one.

    Args:
        released: told when it is over.
    """

    __slots__ = ("_live", "_released")

    def __init__(self, live: LiveSession, released: Callable[[], None]) -> None:
        self._live = live
        self._released = released

    def __enter__(self) -> None:
        self._live.claims += 1

    def __exit__(self, *exc: object) -> None:
        self._live.claims -= 1
        self._live.used = time.monotonic()
        self._released()
