"""One prompt, one stream: a session for one turn, whose output lines are passed on as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from supervisor.delivery.sizes import TEXT_BYTES, fitting, fitting_line
from supervisor.operations.operations import Operations
from supervisor.operations.work_request import WorkRequest
from supervisor.people.identity import Caller
from supervisor.people.projects import Projects
from supervisor.protocol.errors import ProjectNotAllowed, StorageError, TurnFailed
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import ProjectName, SessionId
from supervisor.protocol.status import EndReason
from supervisor.protocol.text.foreign_json import loads
from supervisor.sessions.pool import SessionPool
from supervisor.store.records.accounts import User

CHANNEL = "stream"
"""The channel of such prompts."""

SECONDS = 300.0
"""How long a run may take, in seconds (docs/protocol.md)."""

MAX_LINES = 10_000
"""Lines that are buffered for a client that does not read; one more ends the run."""

MAX_CHARACTERS = 16_777_216
"""The same in characters: the lines of a run that reads large files are long."""

PLAIN_TYPES = frozenset({"assistant", "user", "result"})
"""Types of the lines that `claude -p --output-format stream-json` writes by itself, besides `system/init`."""


@dataclass(slots=True)
class Stream:
    """The output of a run.

    Attributes:
        partial: whether partial messages and states are passed on too. After a result they never are.
        overrun: set when the buffer is full. The run then ends, because no line may be lost.
    """

    partial: bool = False
    overrun: asyncio.Event = field(default_factory=asyncio.Event)
    _lines: asyncio.Queue[tuple[str, bool] | None] = field(default_factory=asyncio.Queue)
    _characters: int = 0
    _has_result: bool = False

    def take(self, text: str, from_stderr: bool) -> None:
        """Buffer a line that the client asked for."""
        line = None if from_stderr else _event(text)
        if line is not None and not self._is_wanted(line):
            return
        # A line of stderr becomes a JSON string in ASCII, which takes up to six bytes for one.
        self.put(fitting(text, most=TEXT_BYTES // 4) if from_stderr else fitting_line(text, line), from_stderr)

    def put(self, text: str, from_stderr: bool) -> None:
        """Buffer a line as it is."""
        if self._lines.qsize() >= MAX_LINES or self._characters + len(text) > MAX_CHARACTERS:
            self.overrun.set()
        if not self.overrun.is_set():
            self._characters += len(text)
            self._lines.put_nowait((text, from_stderr))

    def end(self) -> None:
        """Say that no line follows."""
        self._lines.put_nowait(None)

    async def next(self) -> tuple[str, bool] | None:
        """Return the next line, and whether it came from stderr; None = the end."""
        line = await self._lines.get()
        self._characters -= len(line[0]) if line is not None else 0
        return line

    def _is_wanted(self, line: Mapping[str, Any]) -> bool:
        kind = line.get("type")
        if kind in PLAIN_TYPES or (kind == "system" and line.get("subtype") == "init"):
            self._has_result |= kind == "result"
            return True
        return self.partial and not self._has_result


def _event(text: str) -> Mapping[str, Any] | None:
    """Return a line of output as an event; None = it is none, and is passed on as it is."""
    try:
        line = loads(text)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None


class OneShot:
    """Runs each prompt in a session of its own, with the same rights, limits and costs as other prompts of the user.

    Args:
        seconds: how long a run may take.
    """

    def __init__(
        self,
        *,
        operations: Operations,
        sessions: SessionPool,
        projects: Projects,
        default_project: str,
        seconds: float = SECONDS,
    ) -> None:
        self._operations = operations
        self._sessions = sessions
        self._projects = projects
        self._default_project = default_project
        self._seconds = seconds

    def user(self, caller: Caller, user_id: str | None) -> User:
        """Return the user that a run is for.

        Raises:
            UserNotFound: there is no such user, or the caller may not act for them.
        """
        return self._operations.queries.user(caller, user_id or caller.user_id or "")

    @asynccontextmanager
    async def run(
        self,
        caller: Caller,
        user: User,
        prompt: str,
        *,
        project: str | None,
        model: str | None,
        partial: bool = False,
    ) -> AsyncIterator[tuple[Stream, asyncio.Task[None]]]:
        """Start a run; leaving the `async with` block ends the run and all its processes.

        Args:
            partial: see `Stream`.

        Yields:
            The output, and a task that ends with the run and raises its error.

        Raises:
            ProjectNotAllowed, NotAllowed, MaxSessions, ConnectionFailed, StorageError: the run did not start.
        """
        session_id, stream = SessionId(f"stream-{uuid7()}"), Stream(partial=partial)
        path = await asyncio.to_thread(self._folder, user, project)
        try:
            await self._operations.sessions.connect(caller, session_id, path, user.id, model=model, tap=stream.take)
            work = asyncio.create_task(self._supervise(caller, session_id, prompt, stream), name=f"run {session_id}")
            try:
                yield stream, work
            finally:
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
        finally:
            with suppress(StorageError):  # the process is gone even if that was not recorded
                await self._sessions.close(session_id, EndReason.USER)

    async def _supervise(self, caller: Caller, session_id: SessionId, prompt: str, stream: Stream) -> None:
        """Wait for the answer, within the time and the buffer of a run; then end the stream."""
        answer = asyncio.create_task(self._answer(caller, session_id, prompt), name=f"answer {session_id}")
        overrun = asyncio.create_task(stream.overrun.wait(), name=f"overrun {session_id}")
        try:
            await asyncio.wait([answer, overrun], timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                with suppress(StorageError):  # the process is gone even if that was not recorded
                    await self._sessions.close(session_id, EndReason.USER)
                if overrun.done():
                    raise TurnFailed("its client has left too many lines unread")
                raise TurnFailed(f"it took longer than {self._seconds:g} seconds", timed_out=True)
            answer.result()
        finally:
            for task in (answer, overrun):
                task.cancel()
            await asyncio.gather(answer, overrun, return_exceptions=True)
            stream.end()

    async def _answer(self, caller: Caller, session_id: SessionId, prompt: str) -> None:
        taken = await self._operations.messages.send(
            WorkRequest(caller=caller, channel=CHANNEL), session_id, prompt, None
        )
        await self._operations.messages.answer(taken)

    def _folder(self, user: User, name: str | None) -> str:
        """Return the folder of a run: the named project, else the user's default project, else a scratch folder.

        Raises:
            ProjectNotAllowed: the user may not use the named project, or has no project and no scratch folder.
        """
        mine = {project.name: project for project in self._projects.of(user)}
        if name is not None and name not in mine:
            raise ProjectNotAllowed(name)
        chosen = mine.get(ProjectName(name or self._default_project))
        if chosen is None and len(mine) == 1:
            (chosen,) = mine.values()
        if chosen is not None:
            return chosen.path
        if (scratch := self._projects.scratch(user.id)) is None:
            raise ProjectNotAllowed("")
        Path(scratch.path).mkdir(mode=0o700, parents=True, exist_ok=True)
        return scratch.path
