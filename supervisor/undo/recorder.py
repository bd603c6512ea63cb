"""The state of a project's folder around each turn that changes files, in a shadow repository per folder."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from supervisor.permissions.tools import EDITS
from supervisor.permissions.wording import summary
from supervisor.protocol.conversation import ToolCall
from supervisor.protocol.times import Clock, now_ms
from supervisor.store.port import Store
from supervisor.store.records.changes import FileOperation, Recorded
from supervisor.store.records.turn import Turn
from supervisor.undo.checkpoints.git import CheckpointFailed
from supervisor.undo.checkpoints.shadow import Change, Shadow
from supervisor.undo.edits import ALLOWED, edits, found_by, paths_of
from supervisor.undo.folders import Folders, related

logger = logging.getLogger(__name__)

SECONDS = 20.0
"""How long the recording of a folder may hold a turn up; one that takes longer cannot be undone."""

KEPT_MS = 30 * 86_400_000
"""How long a turn can be undone."""

STATUS = {"A": "added", "D": "deleted"}
"""How git calls what happened to a path; anything else is "modified"."""

SHELL = "Bash"
"""Whoever changed a path that no other tool had named."""


class Recorder:
    """Records a folder before a turn's first call that may change something, and after its end.

    A folder that cannot be recorded holds no turn up: the turn cannot be undone, and the reason is kept.

    Args:
        state_dir: below it each folder has its repository; it is never recorded itself.
        seconds: that a recording may take.
    """

    def __init__(self, store: Store, state_dir: Path, *, seconds: float = SECONDS, clock: Clock = now_ms) -> None:
        self._store = store
        self._state_dir = state_dir
        self._seconds = seconds
        self._clock = clock
        self._shadows: dict[str, Shadow] = {}
        self._folders = Folders()
        self._begun: dict[int, str] = {}
        self._named: dict[int, dict[str, str]] = {}

    def shadow(self, folder: str) -> Shadow:
        """Return the repository of a folder."""
        if folder not in self._shadows:
            name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:32]
            git_dir = self._state_dir / "checkpoints" / f"{name}.git"
            # A project may lie below the state (the demo's does), where nothing of it is a secret.
            state_dir = Path(os.path.realpath(self._state_dir))
            never = (state_dir,) if state_dir.is_relative_to(folder) else ()
            self._shadows[folder] = Shadow(Path(folder), git_dir, never=never, seconds=self._seconds)
        return self._shadows[folder]

    @asynccontextmanager
    async def alone(self, folder: str) -> AsyncIterator[Shadow]:
        """Keep turns from beginning to change a folder, one in it or one around it."""
        async with self._folders.alone(folder):
            yield self.shadow(folder)

    def changing(self, folder: str) -> bool:
        """Return whether a turn has begun to change a folder, one in it or one around it."""
        return any(related(folder, begun) for begun in self._begun.values())

    async def witness(self, turn_id: int, folder: str, call: ToolCall) -> None:
        """Keep, on disk, that a call which may change something is about to run, and the folder before the first.

        Raises:
            StorageError: it may not run.
        """
        self._named.setdefault(turn_id, {}).update(dict.fromkeys(paths_of(call, folder), call.name))
        await self._before(turn_id, folder)
        payload = {"id": call.tool_use_id, "summary": summary(call)}
        if call.name in EDITS:
            payload |= await asyncio.to_thread(found_by, call, folder)
        await self._store.turns.record_event(turn_id, ALLOWED, payload, now_ms=self._clock())

    async def _before(self, turn_id: int, folder: str) -> None:
        if turn_id in self._begun:
            return
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self._seconds):
                    await stack.enter_async_context(self._folders.alone(folder))
            except TimeoutError:  # an undo or a clean-up takes its time: the turn does not wait for it
                why = "the folder was in use when the turn began to change it"
                await self._store.changes.began(turn_id, folder, "", why, now_ms=self._clock())
                self._begun[turn_id] = folder
                return
            if turn_id not in self._begun:
                # What another turn changes while this looks might be in the recording or not: they overlap.
                began_ms = self._clock()
                commit, why = await self._record(folder, f"before turn {turn_id}")
                await self._store.changes.began(turn_id, folder, commit, why, now_ms=began_ms)
                self._begun[turn_id] = folder

    async def adopt(self, turn: Turn) -> None:
        """Go on with a turn whose daemon died after it had begun to change files."""
        if (found := await self._store.changes.of_turn(turn.id)) is not None and found.after_ms is None:
            self._begun[turn.id] = found.project_path

    async def after(self, turn: Turn) -> tuple[Recorded, int | None] | None:
        """Return how a turn leaves its folder and how many files it changed (None = unknown); None = none at all."""
        folder, named = self._begun.get(turn.id), self._named.pop(turn.id, {})
        if folder is None:
            return None
        found = await self._store.changes.of_turn(turn.id)
        calls = await asyncio.to_thread(edits, await self._store.turns.events(turn.id), folder)
        if found is None or not found.before_commit:
            return Recorded(operations=calls), None
        commit, why = await self._record(folder, f"after turn {turn.id}")
        if not commit:
            return Recorded(why=why, operations=calls), None
        seen_ms = self._clock()
        try:
            changes = await self.shadow(folder).changed(found.before_commit, commit)
        except CheckpointFailed as error:
            return Recorded(why=str(error), operations=calls), None
        operations = [*_operations(changes, named), *calls]
        return Recorded(after_commit=commit, seen_ms=seen_ms, operations=operations), len(changes)

    def since_ms(self) -> int:
        """Return the time from which turns can be undone."""
        return self._clock() - KEPT_MS

    def ended(self, turn: Turn) -> None:
        """Note that T3 has written the turn: others may undo in its folder."""
        self._begun.pop(turn.id, None)

    async def prune(self) -> int:
        """Forget the states of turns that are too old to be undone; returns how many."""
        kept = await self._store.changes.kept(since_ms=self.since_ms())
        pruned = 0
        for folder, commits in kept.items():
            if self.changing(folder):
                continue  # another time: a turn that ends waits for nothing
            try:
                async with self.alone(folder) as shadow:
                    pruned += await shadow.prune(commits)
            except CheckpointFailed as error:
                logger.warning("the recorded states of %s were not pruned: %s", folder, error)
        return pruned

    async def _record(self, folder: str, message: str) -> tuple[str, str]:
        """Return the checkpoint, or an empty one and why there is none."""
        try:
            async with asyncio.timeout(self._seconds):
                return (await self.shadow(folder).record(message)).commit, ""
        except CheckpointFailed as error:
            why = str(error)
        except TimeoutError:
            why = f"recording the folder takes longer than {self._seconds:g} seconds"
        logger.warning("%s: the turn cannot be undone: %s", folder, why)
        return "", why


def _operations(changes: Sequence[Change], named: Mapping[str, str]) -> list[FileOperation]:
    return [
        FileOperation(
            path=os.fsencode(change.path).decode(errors="replace"),
            tool=named.get(change.path, SHELL),
            status=STATUS.get(change.status, "modified"),
            before_hash=change.before_blob,
            after_hash=change.after_blob,
        )
        for change in changes
    ]
