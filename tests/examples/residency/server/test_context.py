"""What every tool needs, and refusals as answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from mcp.types import CallToolResult

from examples.residency.data.journal import NotReversibleError, StaleVersionError, UnknownChangeError
from examples.residency.server.answers import Refusal
from examples.residency.server.context import Group, Parts, answering
from examples.residency.writing.requests import BadChangeError
from examples.residency.writing.writer import NotShownError, UnknownPreviewError
from tests.examples.residency.small import FIRST, stored


class Raising(Group):
    """A group with a tool that raises."""

    @answering
    def tool(self, error: Exception) -> CallToolResult:
        """Raise."""
        raise error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Refusal("odd", "It is odd.", "Make it even."), "odd"),
        (BadChangeError("no"), "bad_change"),
        (NotShownError("x"), "not_previewed"),
        (UnknownPreviewError("p-1"), "unknown_preview"),
        (UnknownChangeError("c-1"), "unknown_change"),
        (NotReversibleError("c-1", ()), "rolled_back"),
        (StaleVersionError(1, 2, ()), "stale_version"),
    ],
)
def test_what_a_tool_refuses_is_an_answer_with_a_remedy(tmp_path: Path, error: Exception, reason: str) -> None:
    parts = Parts(stored(tmp_path)[0].path)
    result = Raising(parts).tool(error)
    assert not result.is_error
    assert result.structured_content["reason"] == reason
    assert result.structured_content["message"]
    assert result.structured_content["remedy"]


def test_anything_else_stays_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        Raising(Parts(stored(tmp_path)[0].path)).tool(ZeroDivisionError())


def test_the_schedule_is_known_by_its_id_and_as_the_current_one(tmp_path: Path) -> None:
    parts = Parts(stored(tmp_path)[0].path, FIRST + 3)
    assert parts.roster("main") is parts.roster("current") is parts.roster()
    assert parts.head(parts.roster())["today"] == "2026-03-05"
    with pytest.raises(Refusal, match="other"):
        parts.roster("other")
