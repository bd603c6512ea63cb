"""A session in memory: its state, its process, and what uses it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

from supervisor import permissions
from supervisor.lifecycle import Lifecycle
from supervisor.metering import SessionMeter
from supervisor.projects import Project
from supervisor.protocol import conversation as talk
from supervisor.protocol.ports import Conversation
from supervisor.store.records import Session

Sink = Callable[[talk.ConversationEvent], None]


class Live:
    """A session in memory, with or without a process.

    Attributes:
        session: the record as it was when it was taken into memory; its status is the lifecycle's.
        home: the connector's own folder for it.
        claims: turns that run, or are about to; while there is one nothing reaps or evicts the process.
        sink: takes the events of the running turn.
        denied: tool calls of the running turn that were refused, as sentences.
        used: monotonic time of the last turn's end, in seconds.
    """

    def __init__(self, session: Session, project: Project, meter: SessionMeter, state_dir: Path) -> None:
        self.session = session
        self.home = str(state_dir / "sessions" / session.conversation_id)
        self._private = os.path.realpath(state_dir)
        self.project = project
        self.meter = meter
        self.lifecycle = Lifecycle(session.status, session.end_reason)
        self.conversation: Conversation | None = None
        self.endpoint: talk.ModelEndpoint | None = None
        self.pump: asyncio.Task[None] | None = None
        self.lock = asyncio.Lock()
        self.claims = 0
        self.prompted = session.started
        self.sink: Sink | None = None
        self.denied: list[str] = []
        self.used = time.monotonic()

    @property
    def reapable(self) -> bool:
        """Whether nothing uses the session at this moment."""
        return self.claims == 0 and not self.lock.locked()

    async def decide(self, call: talk.ToolCall) -> talk.Verdict:
        """Answer a tool call by the project's permissions, keeping what was refused for the turn's answer."""
        verdict = permissions.decide(
            call, self.project.permissions, self.session.project_path, private=self._private, own=self.home
        )
        if not verdict.allowed:
            self.denied.append(verdict.reason)
        return verdict
