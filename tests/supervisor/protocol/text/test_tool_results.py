from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.protocol.text.tool_results import first_rows, plain, readable, structured

ESCAPED = [
    ("\x1b[1;31mred\x1b[m", "red"),
    ("\x9b31mred", "red"),
    ("a\x1b]0;title\x07b", "ab"),
    ("a\x1b]0;title\x1b\\b", "ab"),
    ("a\x1bPdevice\x1b\\b", "ab"),
    ("a\x1b(Bb", "ab"),
    ("a\x1b7b\x1b8", "ab"),
    ("cut off\x1b[3", "cut off"),
    ("cut off\x1b", "cut off"),
    ("an open string\x1b]0;never ended", "an open string"),
    ("tab\tand\nline", "tab\tand\nline"),
    ("\u202eturned", "turned"),
    ("naïve 日本 🙂", "naïve 日本 🙂"),
]


@pytest.mark.parametrize(("text", "clean"), ESCAPED)
def test_escape_sequences_and_controls_are_left_out(text: str, clean: str) -> None:
    assert plain(text) == clean


@given(st.text())
def test_what_is_left_holds_no_control_and_can_be_encoded(text: str) -> None:
    clean = plain(text)
    assert all(c in "\t\n" or not (ord(c) < 32 or 127 <= ord(c) < 160) for c in clean)
    assert clean.encode().decode() == clean
    assert plain(clean) == clean


def test_a_text_within_its_limit_stays_whole() -> None:
    assert readable("x" * 100, limit=100) == "x" * 100


def test_a_cut_never_splits_a_character() -> None:
    assert readable("日" * 10, limit=10).startswith("日日日\n[Cut here: this is the first 10 bytes of 30.]")


@pytest.mark.parametrize(
    "value", [{"a": float("nan")}, {"a": object()}, {"a": "x" * 100}], ids=["NaN", "no JSON", "too large"]
)
def test_what_is_no_json_or_too_large_is_no_structured_result(value: dict[str, Any]) -> None:
    assert structured(value, limit=50) is None


def test_nesting_without_end_is_no_structured_result() -> None:
    value: dict[str, Any] = {}
    value["self"] = value
    assert structured(value) is None


def test_a_short_result_reaches_the_model_whole() -> None:
    value = {"rows": [{"a": 1}], "ok": True}
    assert json.loads(first_rows(value)) == value


def test_of_a_long_list_the_model_gets_the_first_rows_and_the_count() -> None:
    value = {"rows": [{"number": number, "text": "x" * 50} for number in range(1000)], "checked": "2026"}
    read = json.loads(first_rows(value, limit=4_000))
    *rows, told = read["rows"]
    assert rows == value["rows"][: len(rows)]
    assert 3 <= len(rows) < 100
    assert told == f"[the first {len(rows)} of 1000 rows]"
    assert read["checked"] == "2026"


def test_rows_that_are_too_long_by_themselves_are_cut() -> None:
    text = first_rows({"rows": ["x" * 10_000] * 9}, limit=1_000)
    assert "[Cut here: this is the first 1,000 bytes" in text
