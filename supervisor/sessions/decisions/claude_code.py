"""Decides about the tool calls of one session of Claude Code."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

from supervisor.approvals.wording import told_to_model
from supervisor.cluster.outages import wait_out
from supervisor.people.projects import Project
from supervisor.permissions.paths import edited_places
from supervisor.permissions.policy import NeedsApproval, Risk, changes_something, decide, look_again
from supervisor.permissions.protected import Protection
from supervisor.permissions.tools import EDITS
from supervisor.permissions.wording import summary
from supervisor.protocol import conversation as talk
from supervisor.protocol.tools import ToolOutput
from supervisor.sessions.binding import Note, TurnBinding
from supervisor.store.records.session import Session
from supervisor.tools.claude_code.session_tools import SessionTools

MOVED = "the project's folder was moved away or replaced after this session had started in it"
"""Why no tool of a process runs any more."""

MAX_COMING = 200
"""Places of the last edits that were allowed unasked, which may not have been written yet."""


class ClaudeCodeDecisions:
    """Lets a call run that the permissions of the session's project allow, and asks a person where they say so.

    It outlives the processes and the turns of its session; `begin` and `end` tell it of the turns.

    Args:
        home: the connector's own folder for the session.
        own_folders: the daemon's own, which no tool may touch.
        has_moved: whether the project's path no longer leads to the folder in which the process started.

    Attributes:
        tools: the tools of tool servers for the process; None = it has none.
    """

    def __init__(
        self,
        session: Session,
        project: Project,
        *,
        home: str,
        own_folders: Sequence[Path],
        has_moved: Callable[[], bool],
    ) -> None:
        self._session = session
        self._project = project
        self._home = home
        self._own_folders = own_folders
        self._has_moved = has_moved
        self.tools: SessionTools | None = None
        self._turn: TurnBinding | None = None
        self._last: Note | None = None  # for the calls of a process that works on when its turn has ended
        self._guarded: frozenset[Risk] = frozenset()
        self._decides = asyncio.Event()
        self._decides.set()
        self._coming: deque[str] = deque(maxlen=MAX_COMING)

    @cached_property
    def _private(self) -> Sequence[str]:
        """The folders of the daemon's own files, symlinks resolved; no tool may touch them."""
        return [os.path.realpath(folder) for folder in self._own_folders]

    def begin(self, turn: TurnBinding) -> None:
        """Decide the calls of a turn that begins."""
        self._turn = turn
        self._forget_calls()
        self._guarded = turn.guarded
        self._decides.set()

    def end(self) -> None:
        """Decide the calls that come when the turn has ended without another one in its place.

        The turn's guarded risks stay guarded: a call without a turn is allowed no more than one of the last turn.
        """
        if self._turn is not None:
            self._last, self._turn = self._turn.note, None  # nothing else of it stays in memory
        self._forget_calls()
        self._decides.set()

    def hold(self) -> None:
        """Decide no call until the next `begin`: the next turn has begun in the process, but not in the store."""
        self._decides.clear()

    async def decide(self, call: talk.ToolCall) -> talk.Verdict:
        """Decide about a call; it may wait for a person. A refusal is kept for the turn's answer.

        Raises:
            StorageError: the call could not be recorded, so it must not run: after a crash it would be unknown. Or
                the people whom a refusal may name could not be read.
        """
        await self._decides.wait()
        shown = await self.tools.shown(call) if self.tools is not None else call
        if isinstance(shown, ToolOutput):
            return talk.Verdict(allowed=False, reason=shown.text)
        reading = self.tools.reading if self.tools is not None else frozenset[str]()
        verdict = self._by_policy(call, reading)
        unasked = verdict.allowed
        if unasked and call.name in EDITS:  # before the next call is decided: subagents write at the same time
            self._coming.extend(edited_places(call, self._session.project_path))
        if isinstance(verdict, NeedsApproval) and self._turn is not None:
            verdict = await self._turn.ask_person(shown, verdict)
        # What is kept with the answer names nobody: models read it again, in a chat or after a lost transcript.
        if verdict.allowed:
            await self._record(call, reads=not changes_something(call, reading), unasked=unasked)
        elif (turn := self._turn) is not None:  # it may have ended while a person was asked
            verdict = await self.told(verdict, "" if shown is call else summary(call))
            turn.denied.append(verdict.reason)
        if verdict.allowed and self.tools is not None:
            self.tools.allow(call)
        return verdict

    async def told(self, verdict: talk.Verdict, call: str) -> talk.Verdict:
        """Return a refusal as the model may read it: the person's answer names people, the model does not know them.

        Args:
            call: the call in one line, as the model wrote it; empty = as its question shows it, which names nobody.

        Raises:
            StorageError: the people of the conversation cannot be read.
        """
        if (tools := self.tools) is None:
            return told_to_model(verdict, call, str)
        await wait_out(tools.learn, self._session.id)  # those of a new process have met nobody yet
        return told_to_model(verdict, call, tools.hidden)

    def _by_policy(self, call: talk.ToolCall, reading: frozenset[str]) -> talk.Verdict:
        """Return the verdict on a call before anybody is asked.

        Args:
            reading: the names of the tools of tool servers that only read.
        """
        protection = Protection(self._project.protected, self._coming)
        folder = self._session.project_path
        verdict = decide(
            call,
            self._project.permissions,
            folder,
            own=self._private,
            home=self._home,
            protection=protection,
            reading=reading,
        )
        if self._has_moved():  # a tool would create the folder anew, or work in the one that was moved away
            return talk.Verdict(allowed=False, reason=MOVED)
        if verdict.allowed and self._guarded:
            return look_again(call, verdict, folder, self._guarded, protection=protection, reading=reading)
        return verdict

    async def _record(self, call: talk.ToolCall, *, reads: bool, unasked: bool) -> None:
        """Record a call before it runs, with the last turn where that has ended.

        Raises:
            StorageError: it must not run.
        """
        if self._turn is not None and not reads:
            await self._turn.record(call, unasked=unasked)
        elif (note := self._turn.note if self._turn is not None else self._last) is not None:
            await note(call, reads=reads)

    def _forget_calls(self) -> None:
        if self.tools is not None:
            self.tools.forget()
