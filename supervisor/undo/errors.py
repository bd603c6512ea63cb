"""Why a turn is not undone.

XswarmError
    FileNotLeft
    TooLargeToSend
    UndoConflict
    UndoRefused
        NothingToUndo
        UndoTooOld
        NotRecorded
        UndoOverlapped
        UndoBusy
"""

from __future__ import annotations

from supervisor.protocol.errors import XswarmError
from supervisor.protocol.times import DAY_MS
from supervisor.undo.recorder import KEPT_MS
from supervisor.undo.wording import name_paths

TOO_OLD = f"it is too old: turns can be undone for {KEPT_MS // DAY_MS} days"


class FileNotLeft(XswarmError):
    """The turn has not left a changed file under this path."""

    code = "not_found"
    remedy = "the changes of the turn list its files"

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"The turn has left no such file: {self.path}"


class TooLargeToSend(XswarmError):
    """A file or patch that is not sent, because of its size."""

    code = "too_large"
    remedy = "open it in the project's folder"

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"It is larger than {self.limit} bytes"


class UndoConflict(XswarmError):
    """The same places were changed later. Nothing was written.

    Attributes:
        paths: the files, relative to the project.
    """

    code = "undo_conflict"
    remedy = "bring these files back to what the turn left, or change them by hand"

    def __init__(self, paths: tuple[str, ...]) -> None:
        super().__init__(paths)
        self.paths = paths

    def __str__(self) -> str:
        return f"Not undone, nothing was touched: changed since in the same places: {name_paths(self.paths)}"


class UndoRefused(XswarmError):
    """Nothing can be taken back, or not now."""

    code = "undo_refused"

    def __init__(self, why: str, remedy: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.remedy = remedy

    def __str__(self) -> str:
        return f"Not undone: {self.why}"


class NothingToUndo(UndoRefused):
    """The turn has changed no file, or there is no such turn."""

    code = "nothing_to_undo"


class UndoTooOld(UndoRefused):
    """The checkpoints of the turn are deleted by now."""

    code = "undo_too_old"

    def __init__(self) -> None:
        super().__init__(TOO_OLD, "undo it by hand")


class NotRecorded(UndoRefused):
    """The folder could not be recorded around the turn."""

    code = "undo_not_recorded"

    def __init__(self, why: str) -> None:
        super().__init__(f"what the turn changed is not recorded{f' ({why})' if why else ''}", "undo it by hand")


class UndoOverlapped(UndoRefused):
    """Two turns changed the same folder at once, so it is not known which turn changed what."""

    code = "undo_overlapped"

    def __init__(self) -> None:
        super().__init__("another turn changed files in the same folders at the same time", "undo it by hand")


class UndoBusy(UndoRefused):
    """A turn runs in the project's folder, or in a folder in or around it."""

    code = "undo_busy"
    retry_after = 5.0

    def __init__(self, doing: str) -> None:
        super().__init__(doing, "wait for its end, or send ABORT")
