"""Cuts a line of text into rows of a window."""

from __future__ import annotations

from prompt_toolkit.utils import get_cwidth

TAB_STOP = 8


def last_rows(text: str, columns: int, most: int) -> list[str]:
    """Return the last rows that a line of text takes in a window; a wide character takes two columns.

    Args:
        text: without line feeds.
        columns: width of the window.
        most: how many rows at most.
    """
    rows: list[str] = []
    row, width = "", 0
    for character in text.expandtabs(TAB_STOP):
        cells = get_cwidth(character)
        if width + cells > columns:
            rows.append(row)
            row, width = "", 0
        row += character
        width += cells
    if row:
        rows.append(row)
    return rows[-most:] if most > 0 else []
