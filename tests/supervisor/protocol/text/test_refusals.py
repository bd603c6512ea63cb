"""What the database refused, in words for senders and for whoever makes a call."""

from __future__ import annotations

from supervisor.protocol.errors import StorageError
from supervisor.protocol.text.refusals import AGAIN, cause, for_sender


def test_a_sender_is_told_to_send_again_and_nobody_else() -> None:
    full = StorageError("the disk is full", for_sender("free disk space"))
    assert full.remedy == f"free disk space; {AGAIN}"
    assert cause(full) == "the disk is full; free disk space"
    unknown = StorageError("a riddle", for_sender(""))
    assert unknown.remedy.endswith(AGAIN)
    assert cause(unknown) == "a riddle; `xswarm doctor` checks disk and database"
