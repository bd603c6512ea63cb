"""Taking back what a turn changed, shell commands included; what was changed since by hand is kept."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from supervisor.people.projects import Projects
from supervisor.people.rights import Rights
from supervisor.protocol.errors import XswarmError
from supervisor.protocol.messages import MessageId, SessionId, UserId
from supervisor.protocol.times import DAY_MS, Clock, now_ms
from supervisor.store.port import Store
from supervisor.store.ports.changes import ChangedTurn, StoredOperation
from supervisor.undo.checkpoints.undoing import Conflict
from supervisor.undo.recorder import KEPT_MS, Recorder

MAX_FILES = 500
"""Paths of one turn that are listed."""

TOO_OLD = f"it is too old: turns can be undone for {KEPT_MS // DAY_MS} days"

NAMED = 5
"""Paths that a sentence names."""


class UndoDirection(StrEnum):
    """Which way an undo goes."""

    BACK = "back"
    """The turn's changes are taken back."""
    AGAIN = "again"
    """The undo is taken back: the turn's changes are there again."""


class UndoConflict(XswarmError):
    """Somebody has changed the same places since; nothing was touched."""

    code = "undo_conflict"
    remedy = "bring these files back to what the turn left, or change them by hand"

    def __init__(self, paths: tuple[str, ...]) -> None:
        super().__init__(paths)
        self.paths = paths

    def __str__(self) -> str:
        return f"Not undone, nothing was touched: changed since in the same places: {named(self.paths)}"


class UndoRefused(XswarmError):
    """There is nothing that could be taken back, or not now."""

    code = "undo_refused"

    def __init__(self, why: str, remedy: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.remedy = remedy

    def __str__(self) -> str:
        return f"Not undone: {self.why}"


class NothingToUndo(UndoRefused):
    """No such turn has changed a file."""

    code = "nothing_to_undo"


class UndoTooOld(UndoRefused):
    """The recorded states of the turn are not kept any more."""

    code = "undo_too_old"

    def __init__(self) -> None:
        super().__init__(TOO_OLD, "undo it by hand")


class NotRecorded(UndoRefused):
    """The folder could not be recorded around the turn."""

    code = "undo_not_recorded"

    def __init__(self, why: str) -> None:
        super().__init__(f"what the turn changed was not recorded{f' ({why})' if why else ''}", "undo it by hand")


class UndoOverlapped(UndoRefused):
    """What each of two turns changed cannot be told apart."""

    code = "undo_overlapped"

    def __init__(self) -> None:
        super().__init__("another turn changed files in the same folders at the same time", "undo it by hand")


class UndoBusy(UndoRefused):
    """A turn runs in the project's folder, in one in it or in one around it."""

    code = "undo_busy"
    retry_after = 5.0

    def __init__(self, doing: str) -> None:
        super().__init__(doing, "wait for its end, or send ABORT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What an undo did, or with dry_run would do.

    Attributes:
        paths: what is other than before, relative to the project's folder.
    """

    turn: ChangedTurn
    way: UndoDirection
    paths: tuple[str, ...]
    dry_run: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a turn changed.

    Attributes:
        diff: unified, as git writes it; empty where nothing was recorded.
        why: it cannot be taken back; empty where it can.
    """

    turn: ChangedTurn
    operations: list[StoredOperation]
    diff: str
    why: str


class Undo:
    """Shows what turns changed, and takes it back: one at a time in a folder, never beside a turn that runs there.

    A folder that lies in it, or around it, counts as the folder itself, whichever project it is of. In a project that
    is `concurrent` only those turns stand in the way that have begun to change files, or run alone in their project.
    """

    def __init__(
        self, store: Store, recorder: Recorder, rights: Rights, projects: Projects, clock: Clock = now_ms
    ) -> None:
        self._store = store
        self._recorder = recorder
        self._rights = rights
        self._projects = projects
        self._clock = clock

    def since_ms(self) -> int:
        """Return the time from which turns can be undone."""
        return self._recorder.since_ms()

    async def find(self, session_id: SessionId, message_id: str | None) -> ChangedTurn:
        """Return the turn of a session that is meant: the one of a message, else the last that changed files.

        Raises:
            NothingToUndo: it changed nothing, or is another session's.
        """
        changes = self._store.changes
        if message_id is None:
            found = await changes.last_of_session(session_id, since_ms=self._recorder.since_ms())
        else:
            found = await changes.of_message(MessageId(message_id))
        if found is None or found.session_id != session_id:
            what = "no turn of this session" if message_id is None else f"no turn of {message_id} in this session"
            raise NothingToUndo(f"{what} has changed a file", "`xswarm claude history` shows what was done")
        return found

    async def difference(self, turn: ChangedTurn) -> Difference:
        """Return what a turn changed.

        Raises:
            CheckpointFailed: what was recorded cannot be read.
        """
        operations = await self._store.changes.operations(message_id=turn.message_id, net=True, limit=MAX_FILES)
        diff, why = "", turn.why
        if self._is_too_old(turn):
            why = TOO_OLD
        elif turn.before_commit and turn.after_commit:
            diff = await self._recorder.shadow(turn.project_path).diff(turn.before_commit, turn.after_commit)
        return Difference(turn=turn, operations=operations, diff=diff, why=why)

    async def take_back(
        self,
        turn: ChangedTurn,
        by: str,
        *,
        user_id: UserId | None = None,
        dry_run: bool = False,
        way: UndoDirection | None = None,
    ) -> Undone:
        """Take back what a turn changed; where that was done before, take the undo back.

        Args:
            by: who asked, for the audit trail.
            user_id: whose rights count; None = those of whoever wrote the message.
            way: None = the one that is possible now.

        Raises:
            UndoConflict: the same places were changed since: nothing was touched.
            UndoRefused: it cannot be undone, or not now.
            CheckpointFailed: the folder is gone, or cannot be written.
        """
        if (refused := self._rights.refusal(user_id or turn.user_id, turn.project)) is not None:
            raise refused
        if self._is_too_old(turn):
            raise UndoTooOld
        if not turn.before_commit or not turn.after_commit:
            raise NotRecorded(turn.why)
        if await self._store.changes.overlapped(turn):
            raise UndoOverlapped
        async with self._recorder.alone(turn.project_path) as shadow:
            await self._refuse_if_busy(turn)
            turn = await self._store.changes.of_turn(turn.turn_id) or turn
            possible = UndoDirection.AGAIN if turn.undone else UndoDirection.BACK
            if way is not None and way is not possible:
                raise UndoRefused("it was taken back before" if turn.undone else "it is there already")
            around = (turn.undo_before, turn.undo_after) if turn.undone else (turn.before_commit, turn.after_commit)
            done = await shadow.revert(*around, dry_run=dry_run)
            if isinstance(done, Conflict):
                raise UndoConflict(done.paths)
            if done.after is not None and possible is UndoDirection.BACK:
                await self._store.changes.undone(turn.turn_id, by, done.before, done.after, now_ms=self._clock())
            elif done.after is not None:
                await self._store.changes.redone(turn.turn_id, by, now_ms=self._clock())
        return Undone(turn=turn, way=possible, paths=done.paths, dry_run=dry_run)

    def _is_too_old(self, turn: ChangedTurn) -> bool:
        return turn.before_ms < self._recorder.since_ms()

    async def _refuse_if_busy(self, turn: ChangedTurn) -> None:
        if self._recorder.changing(turn.project_path):
            raise UndoBusy("a turn is changing files of the project, or of a folder in or around it")
        project = self._projects.get(turn.project)
        concurrent = project is not None and project.concurrent
        if await self._store.changes.busy(turn.project_path, exclusive=concurrent):
            raise UndoBusy("a turn is running in the project, or in a folder in or around it")


def named(paths: tuple[str, ...], *, most: int | None = None) -> str:
    """Return some paths in a sentence, with a ? for what is not to be seen and could break it.

    Args:
        most: characters that the sentence may take; a path that is longer alone loses its beginning. None = any.
    """
    shown = ["".join(one if one.isprintable() else "?" for one in path) for path in paths[:NAMED]]
    while most is not None and len(shown) > 1 and len(_listed(shown, len(paths))) > most:
        shown.pop()
    if most is not None and shown and (over := len(_listed(shown, len(paths))) - most) > 0:
        shown = [f"...{shown[0][over + len('...') :]}"]
    return _listed(shown, len(paths))


def _listed(shown: list[str], count: int) -> str:
    return ", ".join(shown) + (f" and {count - len(shown)} more" if count > len(shown) else "")
