"""Each refusal of an undo says why, and what to do."""

from __future__ import annotations

import pytest

from supervisor.undo.errors import (
    NothingToUndo,
    NotRecorded,
    UndoBusy,
    UndoConflict,
    UndoOverlapped,
    UndoRefused,
    UndoTooOld,
)


@pytest.mark.parametrize(
    ("error", "code", "text", "remedy"),
    [
        (UndoTooOld(), "undo_too_old", "Not undone: it is too old: turns can be undone for 30 days", "undo it by hand"),
        (NotRecorded(""), "undo_not_recorded", "Not undone: what the turn changed is not recorded", "undo it by hand"),
        (
            NotRecorded("no git"),
            "undo_not_recorded",
            "Not undone: what the turn changed is not recorded (no git)",
            "undo it by hand",
        ),
        (
            UndoOverlapped(),
            "undo_overlapped",
            "Not undone: another turn changed files in the same folders at the same time",
            "undo it by hand",
        ),
        (UndoBusy("a turn runs"), "undo_busy", "Not undone: a turn runs", "wait for its end, or send ABORT"),
        (NothingToUndo("no turn", "look"), "nothing_to_undo", "Not undone: no turn", "look"),
    ],
)
def test_a_refusal_has_a_code_a_sentence_and_a_remedy(error: UndoRefused, code: str, text: str, remedy: str) -> None:
    assert (error.code, str(error), error.remedy) == (code, text, remedy)


def test_a_conflict_names_the_files() -> None:
    error = UndoConflict(("a.txt", "b\n.txt"))
    assert str(error).endswith(": a.txt, b?.txt")
    assert error.paths == ("a.txt", "b\n.txt")
