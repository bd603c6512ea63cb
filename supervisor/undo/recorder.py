"""Records the state of a project's folder before and after each turn that changes files."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

from supervisor.cluster.outages import wait_out
from supervisor.permissions.tools import EDITS, SHELL
from supervisor.permissions.wording import summary, visible
from supervisor.protocol.conversation import ToolCall
from supervisor.protocol.times import DAY_MS, Clock, now_ms
from supervisor.sentences.turns import RULE_TOO_SLOW, RULES_TOO_SLOW, STATES_BEGIN_ANEW
from supervisor.store.ports.changes import ChangeStore
from supervisor.store.ports.turns import TurnStore
from supervisor.store.records.changes import FileOperation, Recorded
from supervisor.store.records.turn import Turn
from supervisor.undo.checkpoints.git import CheckpointFailed
from supervisor.undo.checkpoints.records import Change
from supervisor.undo.checkpoints.shadow import LOST, ShadowRepository, StatesLost
from supervisor.undo.edits import ALLOWED, READ, edits, found_by, paths_of
from supervisor.undo.folder_locks import FolderLocks, related

logger = logging.getLogger(__name__)

SECONDS = 20.0
"""How long a turn waits for the recording of its folder. A turn whose recording takes longer cannot be undone."""

KEPT_MS = 30 * DAY_MS
"""How long a turn can be undone, in milliseconds."""

CHECKPOINTS = "checkpoints"
"""The folder in state.dir that holds the shadow repositories."""

BEGUN_ANEW = STATES_BEGIN_ANEW()
"""What the person of a turn is told whose recording found the damage."""

OF_ANOTHER = "it was recorded on another node, or what this one recorded was damaged"
"""Why a state is not here where nodes have states of their own."""

MAX_RULE = 100
"""Most characters of a rule in a sentence."""

STATUS = {"A": "added", "D": "deleted"}
"""The names of git's status letters; every other letter means "modified"."""


def _every(folder: str) -> bool:
    """Return True: this node is alone."""
    return True


@dataclass(slots=True, kw_only=True)
class _Begun:
    """A turn that has begun to change files, or is about to.

    Attributes:
        commit: the state of its folder before that; empty = there is none.
        why: why there is none.
        at_ms: the time before the recording, in milliseconds UTC.
        stored: the database knows it.
    """

    folder: str
    commit: str
    why: str
    at_ms: int
    stored: bool = False


class Recorder:
    """Records a folder before the first call of a turn that may change something, and after the end of the turn.

    The order of the writes: the checkpoint of the folder, its id in the database, then the event of the call, then the
    call runs. If the daemon dies between any two of them, recovery finds what the turn may have changed.

    If a folder cannot be recorded, the turn runs anyway. It cannot be undone, and the reason is stored.

    Args:
        state_dir: the daemon's state folder. It holds one shadow repository per folder and is never recorded itself.
        seconds: how long one recording may take.
        shared: where the states of some folders are kept instead of `state_dir`, because other nodes use them too.
        is_ours: whether this node may work in a folder now; the states of others are pruned by others.
        has_others: other nodes may have states of a folder that is not in `shared`.
        clock: milliseconds UTC.
    """

    def __init__(
        self,
        changes: ChangeStore,
        turns: TurnStore,
        state_dir: Path,
        *,
        seconds: float = SECONDS,
        shared: Mapping[str, Path] = MappingProxyType({}),
        is_ours: Callable[[str], bool] = _every,
        has_others: bool = False,
        clock: Clock = now_ms,
    ) -> None:
        self._changes = changes
        self._turns = turns
        self._state_dir = state_dir
        self._seconds = seconds
        self._shared = shared
        self._is_ours = is_ours
        self._has_others = has_others
        self._clock = clock
        self._shadows: dict[str, ShadowRepository] = {}
        self._locks = FolderLocks()
        self._begun: dict[int, _Begun] = {}  # by turn
        self._notes: dict[int, list[str]] = {}  # sentences for the person, by turn
        self._named: dict[int, dict[str, str]] = {}  # the tool that named each path, by turn
        self._lost: set[str] = set()  # folders whose states are lost, which the database does not know yet
        self._losing = asyncio.Lock()

    def shadow(self, folder: str) -> ShadowRepository:
        """Return the shadow repository of a folder."""
        if folder not in self._shadows:
            # A project may lie below the state folder (the demo's does). It holds no secrets then.
            state_dir = Path(os.path.realpath(self._state_dir))
            never = (state_dir,) if state_dir.is_relative_to(folder) else ()
            git_dir = self._git_dir(folder)
            self._shadows[folder] = ShadowRepository(Path(folder), git_dir, never=never, seconds=self._seconds)
        return self._shadows[folder]

    async def follow(self, before: str, folder: str, *, copy: bool) -> None:
        """Use the recorded states of one folder for another one, which is the same folder under a new path.

        Args:
            copy: the states stay with the first folder too, because it is the folder of another project now.

        Raises:
            CheckpointFailed, OSError: the states could not be moved.
        """
        old, new = self._git_dir(before), self._git_dir(folder)
        if not old.is_dir() or old == new:
            return
        if copy or new.exists():
            await self.shadow(folder).take_over(old)
        else:
            old.rename(new)
            self._shadows.pop(before, None)

    @asynccontextmanager
    async def locked(self, folder: str) -> AsyncIterator[ShadowRepository]:
        """Lock a folder: no turn begins to change it, or a folder in or around it, during a `with` block."""
        async with self._locks.locked(folder):
            yield self.shadow(folder)

    def changing(self, folder: str) -> bool:
        """Return whether a running turn has begun to change a folder, or a folder in or around it."""
        return any(related(folder, begun.folder) for begun in self._begun.values())

    async def witness(self, turn_id: int, folder: str, call: ToolCall) -> None:
        """Record, on disk, that a call is about to run which may change something. Before the first, record the folder.

        It waits while the database does not answer. The folder is recorded once, however often that refuses.

        Raises:
            StorageError: the call must not run.
        """
        self._named.setdefault(turn_id, {}).update(dict.fromkeys(paths_of(call, folder), call.name))
        await self._before(turn_id, folder)
        found = await asyncio.to_thread(found_by, call, folder) if call.name in EDITS else {}
        await self._announce(turn_id, ALLOWED, call, found)

    async def note(self, turn_id: int, call: ToolCall, *, reads: bool) -> None:
        """Record, on disk, that a call is about to run of which nothing is kept but that it was made.

        It waits while the database does not answer.

        Args:
            turn_id: of its turn, or of the last one before it, which has ended.
            reads: it changes nothing.

        Raises:
            StorageError: the call must not run.
        """
        await self._announce(turn_id, READ if reads else ALLOWED, call, {})

    async def _announce(self, turn_id: int, kind: str, call: ToolCall, found: Mapping[str, object]) -> None:
        payload = {"id": call.tool_use_id, "summary": summary(call), **found}
        event = partial(self._turns.record_event, turn_id, kind, payload, now_ms=self._clock())
        await wait_out(event, f"call {call.tool_use_id}")

    async def _before(self, turn_id: int, folder: str) -> None:
        """Record the folder before the first change of a turn, and store what was recorded."""
        begun, what = self._begun.get(turn_id) or await self._look(turn_id, folder), f"turn {turn_id}"
        if begun.stored:
            return
        await wait_out(partial(self._note_lost, folder), what)  # first: it is about what was stored earlier
        store = partial(self._changes.began, turn_id, folder, begun.commit, begun.why, now_ms=begun.at_ms)
        await wait_out(store, what)
        begun.stored = True

    async def _look(self, turn_id: int, folder: str) -> _Begun:
        """Record the folder before the first change of a turn. No undo begins in it from then on."""
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self._seconds):
                    await stack.enter_async_context(self._locks.locked(folder))
            except TimeoutError:  # an undo or a pruning takes long: the turn does not wait for it
                why = "the folder was in use when the turn began to change it"
                begun = _Begun(folder=folder, commit="", why=why, at_ms=self._clock())
                return self._begun.setdefault(turn_id, begun)
            if turn_id not in self._begun:  # else another call of the turn has recorded it meanwhile
                # The time before the recording. What another turn changes meanwhile may be in it or not: they overlap.
                began_ms = self._clock()
                commit, why = await self._record(folder, "before", turn_id)
                begun = _Begun(folder=folder, commit=commit, why=why, at_ms=began_ms)
                self._begun.setdefault(turn_id, begun)
            return self._begun[turn_id]

    async def adopt(self, turn: Turn) -> None:
        """Take over a turn that had begun to change files when an earlier daemon died."""
        if (found := await self._changes.of_turn(turn.id)) is not None and found.after_ms is None:
            self._begun[turn.id] = _Begun(
                folder=found.project_path, commit=found.before_commit, why=found.why, at_ms=found.before_ms, stored=True
            )

    async def after(self, turn: Turn) -> tuple[Recorded, int | None] | None:
        """Record the folder after a turn.

        Returns:
            What to store with the end of the turn, and how many files it changed (None = not known). None where the
            turn has not begun to change files.
        """
        begun, named = self._begun.get(turn.id), self._named.get(turn.id, {})
        if begun is None or not begun.stored:
            return None
        folder = begun.folder
        found = await self._changes.of_turn(turn.id)
        calls = await asyncio.to_thread(edits, await self._turns.events(turn.id), folder)
        if found is None or not found.before_commit:
            why = found.why if found is not None else ""
            return Recorded(why=why, operations=calls, notes=self._notes.get(turn.id, ())), None
        commit, why = await self._record(folder, "after", turn.id)
        await self._note_lost(folder)
        told = self._notes.get(turn.id, ())
        if not commit:
            return Recorded(why=why, operations=calls, notes=told), None
        seen_ms = self._clock()
        try:
            changes = await self.shadow(folder).changed(found.before_commit, commit)
        except CheckpointFailed as error:
            why = await self.lose(folder, error.why) if isinstance(error, StatesLost) else error.why
            return Recorded(why=why, operations=calls, notes=told), None
        operations = [*_operations(changes, named), *calls]
        changed = _edited(calls) | {operation.path for operation in operations if not operation.tool_use_id}
        return Recorded(after_commit=commit, seen_ms=seen_ms, operations=operations, notes=told), len(changed)

    async def lose(self, folder: str, why: str) -> str:
        """Note that the states of a folder are lost, unless another node may have them; return why they are not here.

        Raises:
            StorageError: it could not be noted.
        """
        if self._has_others and folder not in self._shared:
            return OF_ANOTHER
        await self._changes.lose(folder, why)
        return why

    def since_ms(self) -> int:
        """Return the start time of the oldest turn that can be undone, in milliseconds UTC."""
        return self._clock() - KEPT_MS

    def ended(self, turn: Turn) -> None:
        """Note that T3 has written the turn: an undo in its folder may begin."""
        self._begun.pop(turn.id, None)
        self._notes.pop(turn.id, None)
        self._named.pop(turn.id, None)

    async def prune(self) -> int:
        """Delete the checkpoints of turns that are too old to be undone; return how many were deleted."""
        pruned = 0
        for folder in await self._changes.kept(since_ms=self.since_ms()):
            if self.changing(folder) or not self._is_ours(folder):
                continue  # a later pruning does it: the end of a turn must not wait
            try:
                async with self.locked(folder) as shadow:
                    pruned += await self._prune(folder, shadow)
            except CheckpointFailed as error:
                logger.warning("the recorded states of %s were not pruned: %s", folder, error)
        return pruned

    async def _prune(self, folder: str, shadow: ShadowRepository) -> int:
        """Prune a folder that is locked, unless a turn has begun to change it before it was."""
        if self.changing(folder) or not self._is_ours(folder):
            return 0
        kept = await self._changes.kept(since_ms=self.since_ms())  # with those of turns that have ended meanwhile
        return await shadow.prune(kept.get(folder, ()))

    async def _note_lost(self, folder: str) -> None:
        """Note in the database that the states of a folder are lost, if they are and it is not noted yet."""
        async with self._losing:  # noted once: what is recorded after it is not lost
            if folder in self._lost:
                await self.lose(folder, LOST)
                self._lost.discard(folder)

    def _note(self, turn_id: int, sentence: str) -> None:
        notes = self._notes.setdefault(turn_id, [])
        if sentence not in notes:
            notes.append(sentence)

    def _git_dir(self, folder: str) -> Path:
        return self._shared.get(folder, self._state_dir) / CHECKPOINTS / shadow_name(folder)

    async def _record(self, folder: str, when: str, turn_id: int) -> tuple[str, str]:
        """Return the commit of a new checkpoint and "", or "" and why there is none.

        Args:
            when: "before" or "after" the turn.
        """
        try:
            async with asyncio.timeout(self._seconds):
                made = await self.shadow(folder).record(f"{when} turn {turn_id}")
            if made.refused_rules:
                self._note(turn_id, _refused(made.refused_rules))
            if made.first:
                self._note(turn_id, BEGUN_ANEW)
                self._lost.add(folder)
            return made.commit, ""
        except CheckpointFailed as error:
            why = error.why
        except TimeoutError:
            why = f"recording the folder takes longer than {self._seconds:g} seconds"
        logger.warning("%s: the turn cannot be undone: %s", folder, why)
        return "", why


def shadow_name(folder: str) -> str:
    """Return the name of a folder's shadow repository, in the folder `CHECKPOINTS`."""
    return f"{hashlib.sha256(os.fsencode(folder)).hexdigest()[:32]}.git"


def name_of(change: Change) -> str:
    """Return the path of a change as it is stored: what is not UTF-8 in it is replaced."""
    return os.fsencode(change.path).decode(errors="replace")


def _refused(rules: Sequence[str]) -> str:
    """Return what a person is told about rules that are not applied."""
    rule = visible(rules[0])[:MAX_RULE]
    return RULE_TOO_SLOW(rule=rule) if len(rules) == 1 else RULES_TOO_SLOW(count=len(rules), rule=rule)


def _edited(calls: Sequence[FileOperation]) -> set[str]:
    """Return the paths that calls left changed, with files that no checkpoint has: outside the project, or ignored."""
    before: dict[str, str | None] = {}
    after: dict[str, str | None] = {}
    for call in calls:
        before.setdefault(call.path, call.before_hash)
        after[call.path] = call.after_hash
    return {path for path in after if after[path] != before[path]}


def _operations(changes: Sequence[Change], named: Mapping[str, str]) -> list[FileOperation]:
    return [
        FileOperation(
            path=name_of(change),
            tool=named.get(change.path, SHELL),
            status=STATUS.get(change.status, "modified"),
            before_hash=change.before_blob,
            after_hash=change.after_blob,
        )
        for change in changes
    ]
