"""Search by FTS5 (https://www.sqlite.org/fts5.html)."""

from __future__ import annotations

from typing import Any

from supervisor.store.messages.search import EXCERPT_WORDS, SqlSearch, find_sql, spaced, words_of
from supervisor.store.transaction import Reader, Transaction

_ADD = "INSERT INTO search (rowid, question, answer) VALUES (?, ?, ?)"
_FIND = find_sql(
    "snippet(search, 0, char(1), char(2), '…', :words), snippet(search, 1, char(1), char(2), '…', :words)",
    "search MATCH :query",
)


class SqliteSearch(SqlSearch):
    """The search in a table of FTS5."""

    def query(self, words: str) -> str:
        """Return the query of FTS5."""
        return " AND ".join(f'"{spaced(word)}"*' for word in words_of(words))

    def add(self, tx: Transaction, turn_id: int, question: str, answer: str) -> None:
        """Index the words of a turn."""
        tx.execute(_ADD, (turn_id, spaced(question), spaced(answer)))

    def rows(self, connection: Reader, words: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Return what is found, with the snippets that FTS5 makes."""
        return connection.execute(_FIND, values | {"words": EXCERPT_WORDS}).fetchall()
