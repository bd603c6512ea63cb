"""The desk: what it shows and lets decide is what the caller may answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.protocol.errors import ApprovalNotFound, InvalidMessage
from tests.supervisor.harness import OPERATOR, Core


@pytest.mark.parametrize("minutes", [-1, 121])
async def test_minutes_are_bounded(tmp_path: Path, minutes: int) -> None:
    async with Core(tmp_path) as core:
        caller = core.directory.caller(OPERATOR)
        with pytest.raises(InvalidMessage, match="minutes: must be 0 to 120"):
            await core.approval_operations.resolve(caller, "KXQPT", allow=True, channel="socket", minutes=minutes)


async def test_a_note_is_bounded(tmp_path: Path) -> None:
    async with Core(tmp_path) as core:
        caller = core.directory.caller(OPERATOR)
        with pytest.raises(InvalidMessage, match="note: must be at most 1000 characters"):
            await core.approval_operations.resolve(caller, "KXQPT", allow=False, channel="socket", note="x" * 1001)
        with pytest.raises(ApprovalNotFound):
            await core.approval_operations.resolve(caller, "KXQPT", allow=False, channel="socket", note="x" * 1000)


async def test_nothing_is_found_where_nothing_was_asked(tmp_path: Path) -> None:
    async with Core(tmp_path) as core:
        caller = core.directory.caller(OPERATOR)
        assert await core.approval_operations.open(caller) == []
        with pytest.raises(ApprovalNotFound, match="KXQPT") as caught:
            await core.approval_operations.resolve(caller, "KXQPT", allow=True, channel="socket")
        assert caught.value.remedy
