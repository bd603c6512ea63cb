"""What is sent at once: texts are cut at whole characters, pages at whole items."""

from __future__ import annotations

import json
from typing import Any

import pytest

from supervisor.delivery.sizes import FRAME_BYTES, beginning, count_fitting, fitting, fitting_line, page, size_of


@pytest.mark.parametrize(("text", "most", "cut"), [("abc", 3, "abc"), ("abc", 2, "ab"), ("aé", 2, "a"), ("😀", 3, "")])
def test_a_text_is_cut_at_a_whole_character(text: str, most: int, cut: str) -> None:
    assert beginning(text, most) == cut


@pytest.mark.parametrize("text", ["x" * 3000, "\x01" * 3000, "é\n" * 1500, "😀" * 1500, "\ud83d" * 3000, ""])
def test_a_text_fits_as_it_is_written_in_json(text: str) -> None:
    cut = fitting(text, most=2000, escaped=2000)
    assert text.startswith(cut)
    assert size_of(cut) <= 2000
    assert len(cut) == len(text) or size_of(text[: len(cut) + 1]) > 1996


def test_a_page_has_whole_items_and_never_none() -> None:
    assert count_fitting([3, 3, 3], 6) == 2
    assert count_fitting([9, 1], 6) == 1
    assert count_fitting([], 6) == 0
    assert page("abc", [{"a": 1}, {"b": "x" * 2_000_000}, {}]) == "a"


@pytest.mark.parametrize(
    "event",
    [
        {"type": "user", "message": {"content": [{"type": "tool_result", "content": "x" * 3_000_000}]}},
        {"type": "user", "message": {"content": [{"text": "é\n" * 200_000} for _ in range(20)]}},
        {"type": "user", "session_id": "a", "message": {"content": list(range(500_000))}},
    ],
)
def test_a_long_line_is_cut_and_stays_an_event(event: dict[str, Any]) -> None:
    line = fitting_line(json.dumps(event), event)
    assert len(line.encode()) < FRAME_BYTES
    assert (json.loads(line)["type"], json.loads(line)["truncated"]) == ("user", True)


def test_a_line_that_fits_stays_as_it_is() -> None:
    assert fitting_line('{"type":  "user"}', {"type": "user"}) == '{"type":  "user"}'
    assert len(fitting_line("x" * 3_000_000, None)) < FRAME_BYTES
