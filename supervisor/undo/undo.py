"""Takes back what a turn changed, including what its shell commands changed. Later changes are kept."""

from __future__ import annotations

from enum import StrEnum

from supervisor.people.projects import Projects
from supervisor.people.rights import Rights
from supervisor.protocol.messages import MessageId, SessionId, UserId
from supervisor.protocol.times import Clock, now_ms
from supervisor.protocol.values.record import record
from supervisor.store.ports.changes import ChangedTurn, ChangeStore, StoredOperation
from supervisor.undo.checkpoints.records import Reverted
from supervisor.undo.checkpoints.reversal import Conflict
from supervisor.undo.checkpoints.shadow import ShadowRepository, StatesLost
from supervisor.undo.errors import (
    TOO_OLD,
    FileNotLeft,
    NothingToUndo,
    NotRecorded,
    TooLargeToSend,
    UndoBusy,
    UndoConflict,
    UndoOverlapped,
    UndoRefused,
    UndoTooOld,
)
from supervisor.undo.recorder import Recorder, name_of

MAX_FILES = 500
"""The most paths of one turn that are listed."""


class UndoDirection(StrEnum):
    """Which way an undo goes."""

    BACK = "back"
    """It takes the turn's changes back."""
    AGAIN = "again"
    """It takes the undo back: the turn's changes are there again."""


@record
class UndoResult:
    """What an undo did, or with dry_run what it would do.

    Attributes:
        paths: the changed files, relative to the project's folder.
    """

    turn: ChangedTurn
    direction: UndoDirection
    paths: tuple[str, ...]
    dry_run: bool


@record
class Difference:
    """What a turn changed.

    Attributes:
        operations: at most `MAX_FILES`.
        diff: a unified diff of git; empty where nothing was recorded.
        why: why the turn cannot be undone; empty where it can.
    """

    turn: ChangedTurn
    operations: list[StoredOperation]
    diff: str
    why: str


class Undo:
    """Shows what turns changed, and takes it back.

    Only one undo runs in a folder at a time, and none beside a running turn. Folders in it and around it count as the
    same folder, whichever project they belong to. In a project that is `concurrent`, an undo waits only for turns that
    have begun to change files, or that must run alone.
    """

    def __init__(
        self, store: ChangeStore, recorder: Recorder, rights: Rights, projects: Projects, clock: Clock = now_ms
    ) -> None:
        self._store = store
        self._recorder = recorder
        self._rights = rights
        self._projects = projects
        self._clock = clock

    def since_ms(self) -> int:
        """Return the start time of the oldest turn that can be undone, in milliseconds UTC."""
        return self._recorder.since_ms()

    async def find(self, session_id: SessionId, message_id: str | None) -> ChangedTurn:
        """Return the turn of a message in a session, or without a message the last turn that changed files.

        Raises:
            NothingToUndo: the turn changed no file, or belongs to another session.
        """
        if message_id is None:
            found = await self._store.last_of_session(session_id, since_ms=self._recorder.since_ms())
        else:
            found = await self._store.of_message(MessageId(message_id))
        if found is None or found.session_id != session_id:
            what = "no turn of this session" if message_id is None else f"no turn of {message_id} in this session"
            raise NothingToUndo(f"{what} has changed a file", "`xswarm claude history` shows what was done")
        return found

    def why_kept(self, turn: ChangedTurn) -> str:
        """Return why a turn can never be undone, as far as its record tells; empty where it can."""
        return TOO_OLD if self._is_too_old(turn) else turn.why

    async def difference(self, turn: ChangedTurn) -> Difference:
        """Return what a turn changed.

        Raises:
            CheckpointFailed: the checkpoints cannot be read.
        """
        operations = await self._store.operations(message_id=turn.message_id, net=True, limit=MAX_FILES)
        diff, why = "", turn.why
        if self._is_too_old(turn):
            why = TOO_OLD
        elif not why and turn.before_commit and turn.after_commit:
            try:
                diff = await self._recorder.shadow(turn.project_path).diff(turn.before_commit, turn.after_commit)
            except StatesLost as lost:
                why = await self._recorder.lose(turn.project_path, lost.why)
        return Difference(turn=turn, operations=operations, diff=diff, why=why)

    async def patch(self, turn: ChangedTurn, *, limit: int) -> bytes:
        """Return what a turn changed as a patch for `git apply`, binary files included.

        Args:
            limit: in bytes.

        Raises:
            NotRecorded, UndoTooOld: there are no checkpoints of it.
            TooLargeToSend, CheckpointFailed.
        """
        before, after = self._recorded(turn)
        content, more = await self._recorder.shadow(turn.project_path).patch(before, after, limit=limit)
        if more:
            raise TooLargeToSend(limit)
        return content

    async def content(self, turn: ChangedTurn, path: str, *, limit: int) -> bytes:
        """Return a file that a turn changed, as the turn left it.

        Args:
            path: relative to the project, as `difference` names it.
            limit: in bytes.

        Raises:
            NotRecorded, UndoTooOld: there are no checkpoints of it.
            FileNotLeft: the turn did not change it, or deleted it.
            TooLargeToSend, CheckpointFailed.
        """
        shadow = self._recorder.shadow(turn.project_path)
        changes = await shadow.changed(*self._recorded(turn))
        blobs = (change.after_blob for change in changes if name_of(change) == path)
        if (blob := next(blobs, None)) is None:
            raise FileNotLeft(path)
        content, more = await shadow.content(blob, limit=limit)
        if more:
            raise TooLargeToSend(limit)
        return content

    async def take_back(
        self,
        turn: ChangedTurn,
        by: str,
        *,
        user_id: UserId | None = None,
        dry_run: bool = False,
        direction: UndoDirection | None = None,
    ) -> UndoResult:
        """Take back what a turn changed. If that was done before, take the undo back.

        The files are written first and the database second. If the daemon dies in between, the same undo finds the
        entry of the first in the journal of the shadow repository, and starts again.

        Args:
            by: who asked, for the audit trail.
            user_id: whose rights are checked; None = those of the user who wrote the message.
            dry_run: change nothing, and return what would change.
            direction: None = the one that is possible now.

        Raises:
            UndoConflict: the same places were changed later; nothing was written.
            UndoRefused: the turn cannot be undone, or not now.
            CheckpointFailed: the folder is missing or not writable.
        """
        await self._check(turn, user_id or turn.user_id)
        async with self._recorder.locked(turn.project_path) as shadow:
            await self._refuse_if_busy(turn)
            turn = await self._store.of_turn(turn.turn_id) or turn
            possible = _possible_direction(turn, direction)
            try:
                done = await _revert(shadow, turn, dry_run=dry_run)
            except StatesLost as lost:
                raise NotRecorded(await self._recorder.lose(turn.project_path, lost.why)) from None
            if done.after is not None:
                await self._record(turn, possible, by, done.before, done.after)
        return UndoResult(turn=turn, direction=possible, paths=done.paths, dry_run=dry_run)

    async def _check(self, turn: ChangedTurn, user_id: UserId) -> None:
        """Raise why a turn can never be undone by a user."""
        if (refused := self._rights.refusal(user_id, turn.project)) is not None:
            raise refused
        self._recorded(turn)
        if await self._store.overlapped(turn):
            raise UndoOverlapped

    def _recorded(self, turn: ChangedTurn) -> tuple[str, str]:
        """Return the checkpoints around a turn, or raise why there are none."""
        if self._is_too_old(turn):
            raise UndoTooOld
        if turn.why or not turn.before_commit or not turn.after_commit:
            raise NotRecorded(turn.why)
        return turn.before_commit, turn.after_commit

    async def _record(self, turn: ChangedTurn, direction: UndoDirection, by: str, before: str, after: str) -> None:
        if direction is UndoDirection.BACK:
            await self._store.undone(turn.turn_id, by, before, after, now_ms=self._clock())
        else:
            await self._store.redone(turn.turn_id, by, now_ms=self._clock())

    def _is_too_old(self, turn: ChangedTurn) -> bool:
        return turn.before_ms < self._recorder.since_ms()

    async def _refuse_if_busy(self, turn: ChangedTurn) -> None:
        if self._recorder.changing(turn.project_path):
            raise UndoBusy("a turn is changing files of the project, or of a folder in or around it")
        project = self._projects.get(turn.project)
        concurrent = project is not None and project.concurrent
        if await self._store.busy(turn.project_path, exclusive=concurrent):
            raise UndoBusy("a turn is running in the project, or in a folder in or around it")


def _possible_direction(turn: ChangedTurn, wanted: UndoDirection | None) -> UndoDirection:
    """Return the direction of an undo of a turn, as it is now.

    Raises:
        UndoRefused: another direction is wanted.
    """
    possible = UndoDirection.AGAIN if turn.undone else UndoDirection.BACK
    if wanted is not None and wanted is not possible:
        raise UndoRefused("it was taken back before" if turn.undone else "it is there already")
    return possible


async def _revert(shadow: ShadowRepository, turn: ChangedTurn, *, dry_run: bool) -> Reverted:
    """Take the files of a turn back, or those of its undo.

    Raises:
        UndoConflict: the same places were changed later.
    """
    around = (turn.undo_before, turn.undo_after) if turn.undone else (turn.before_commit, turn.after_commit)
    done = await shadow.revert(*around, dry_run=dry_run)
    if isinstance(done, Conflict):
        raise UndoConflict(done.paths)
    return done
