"""Single prompts whose folder another node works in: that one runs them, and passes their lines on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from supervisor.operations.one_shot import OneShot, Stream
from supervisor.operations.owner.owners import Owners
from supervisor.people.identity import Caller
from supervisor.people.projects import SCRATCH
from supervisor.protocol.errors import TurnFailed
from supervisor.protocol.ids import uuid7
from supervisor.protocol.values.record import record
from supervisor.store.records.accounts import User


@record
class RunForAnother:
    """A run that another node asks for, see `OneShot.run`.

    Attributes:
        id: of the run, made by the node that asks.
        asked_by: the name of that node, which takes the lines.
    """

    id: str
    asked_by: str
    caller: Caller
    user_id: str
    prompt: str
    project: str
    model: str | None
    partial: bool


class OneShotAtOwner(OneShot):
    """`OneShot` of a node that may not be the one that works in the folder.

    Each line is an act of the node that runs, and the next one waits for it: none is lost or comes after the end.

    Args:
        parts: as of `OneShot`.
    """

    def __init__(self, owners: Owners, **parts: Any) -> None:
        super().__init__(**parts)
        self._owners = owners
        self._streams: dict[str, Stream] = {}
        owners.offer("one_shot.run", self._run_here)
        owners.offer("one_shot.line", self._take)

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
        """Start a run, where its folder is; leaving the `async with` block ends the run and all its processes.

        Yields:
            The output, and a task that ends with the run and raises its error, also why another node did not start it.

        Raises:
            FolderAway: no node that has the folder lives.
            ProjectNotAllowed, NotAllowed, MaxSessions, ConnectionFailed, StorageError: the run did not start.
        """
        name, node = await self._project_and_node(user, project)
        if node is None:
            async with super().run(caller, user, prompt, project=project, model=model, partial=partial) as run:
                yield run
            return
        wanted = RunForAnother(
            id=uuid7(),
            asked_by=self._owners.name,
            caller=caller,
            user_id=user.id,
            prompt=prompt,
            project=name,
            model=model,
            partial=partial,
        )
        stream = self._streams[wanted.id] = Stream()
        work = asyncio.create_task(self._follow(node, wanted, stream), name=f"run {wanted.id} on node {node}")
        try:
            yield stream, work
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            del self._streams[wanted.id]

    async def _project_and_node(self, user: User, project: str | None) -> tuple[str, str | None]:
        """Return the project of a run, and the node that works in its folder; None = this one."""
        if self._owners.is_alone:
            return "", None
        path = await asyncio.to_thread(self._folder, user, project)
        found, _ = self._projects.at(user, path)
        if found.name == SCRATCH:  # each node has one
            return found.name, None
        return found.name, await self._owners.enter("", found.name)

    async def _follow(self, node: str, wanted: RunForAnother, stream: Stream) -> None:
        """Wait for the end of a run on another node, within the buffer of its lines; then end the stream."""
        running = asyncio.create_task(self._owners.ask(node, "one_shot.run", run=wanted), name=f"ask for {wanted.id}")
        overrun = asyncio.create_task(stream.overrun.wait(), name=f"overrun {wanted.id}")
        try:
            await asyncio.wait([running, overrun], return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                raise TurnFailed("its client has left too many lines unread")
            running.result()
        finally:
            for task in (running, overrun):
                task.cancel()
            await asyncio.gather(running, overrun, return_exceptions=True)
            stream.end()

    async def _run_here(self, run: RunForAnother) -> None:
        """Run a prompt for another node, and pass each line on."""
        user = self.user(run.caller, run.user_id)
        running = super().run(run.caller, user, run.prompt, project=run.project, model=run.model, partial=run.partial)
        async with running as (stream, work):
            while (line := await stream.next()) is not None:
                text, from_stderr = line
                given = {"run_id": run.id, "text": text, "from_stderr": from_stderr}
                await self._owners.ask(run.asked_by, "one_shot.line", **given)
            await work

    async def _take(self, run_id: str, text: str, from_stderr: bool) -> None:
        """Take a line of a run that another node has begun for this one.

        Raises:
            TurnFailed: nobody reads it any longer.
        """
        if (stream := self._streams.get(run_id)) is None:
            raise TurnFailed("its client has left")
        stream.put(text, from_stderr)
