"""A line of text is cut into the rows that a window shows."""

from __future__ import annotations

from cli.terminal.rows import last_rows


def test_a_wide_character_takes_two_columns_and_is_not_cut() -> None:
    assert last_rows("ab日本語", 5, 10) == ["ab日", "本語"]


def test_a_tab_goes_to_the_next_stop() -> None:
    assert last_rows("a\tb", 80, 10) == ["a       b"]


def test_only_the_last_rows_are_returned() -> None:
    assert last_rows("aabbcc", 2, 2) == ["bb", "cc"]
    assert last_rows("aabbcc", 2, 0) == []
    assert last_rows("", 2, 2) == []
