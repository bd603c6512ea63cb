"""Tables for a person, drawn by rich. A command whose result is no table does not import it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.plain import plain

STATUS_STYLES = {"active": "green", "connecting": "cyan", "idle": "yellow", "error": "red"}

UNLIMITED = 100_000
"""Width in columns where stdout is no terminal, so that no line is broken."""


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str]) -> Table:
    """Return a table; its first column is never wrapped.

    Args:
        right: the columns that are aligned to the right.
    """
    result = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        # In a narrow window only columns with long texts wrap.
        wraps = column in ("PROJECT", "NAME", "REASON", "PHONES", "EMAILS", "PROJECTS", "CALL")
        result.add_column(
            column,
            no_wrap=not wraps,
            overflow="fold",
            justify="right" if column in right else "left",
            min_width=index and 3,
        )
    for row in rows:
        result.add_row(*(Text(plain(cell), style=STATUS_STYLES.get(cell, "")) for cell in row))
    return result


def details(pairs: Iterable[tuple[str, str]]) -> Table:
    """Return a table of names and values, one pair a line."""
    result = Table.grid(padding=(0, 2))
    result.add_column(style="bold", no_wrap=True)
    result.add_column(overflow="fold")
    for name, value in pairs:
        result.add_row(Text(name), Text(plain(value), style=STATUS_STYLES.get(value, "")))
    return result


def draw(what: Table) -> None:
    """Print a table on stdout."""
    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console = Console(markup=False, highlight=False, emoji=False, width=UNLIMITED)
    console.width = max(console.width, console.measure(what).minimum)
    console.print(what)
