"""Full-text search in what people wrote and were answered; how words are found is an engine's own.

A turn is indexed by the first search after its end: accepting and ending messages costs nothing more.
"""

from __future__ import annotations

import json
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from supervisor.protocol.messages import MessageId, ProjectName, SessionId, UserId
from supervisor.protocol.status import SessionKind
from supervisor.store.engine import Database, Reader
from supervisor.store.records.chat import ExcerptPart, Found
from supervisor.store.records.session import Session
from supervisor.store.rows import SESSIONS, to_session
from supervisor.store.transaction import Transaction

BATCH = 200
"""Most turns that are indexed in one transaction; the first has a tenth of them."""
LONG_SECONDS = 0.25
"""After a batch that took longer the next is half as large: every other write waits for it, of other nodes too."""

EXCERPT_WORDS = 24
"""Words in an excerpt."""
MOST_WORDS = 12
"""Words of a query that count."""

_BEHIND = "t.id > coalesce((SELECT value FROM marks WHERE name = 'search'), 0)"
"""In `marks`: every turn up to this number is indexed."""

_OPEN = "('pending', 'running', 'waiting')"
_IS_TO_INDEX = f"""
    {_BEHIND} AND t.state NOT IN {_OPEN} AND t.kind = 'prompt' AND NOT EXISTS (SELECT 1 FROM search WHERE rowid = t.id)
"""
_IS_BEHIND = f"SELECT EXISTS (SELECT 1 FROM turns AS t WHERE {_IS_TO_INDEX})"
_TO_INDEX = f"""
    SELECT t.id, coalesce(p.message, ''), coalesce(a.message, t.answer, '')
    FROM turns AS t
    LEFT JOIN claude_code_messages AS p ON p.seq = 2 * t.id
    LEFT JOIN claude_code_messages AS a ON a.seq = 2 * t.id + 1
    WHERE {_IS_TO_INDEX} ORDER BY t.id LIMIT ?
"""
_BODIES = "SELECT body FROM inbox WHERE turn_id = ? AND body IS NOT NULL ORDER BY id"
_ADVANCE = f"""
    INSERT INTO marks (name, value)
    SELECT 'search', coalesce(
        (SELECT t.id - 1 FROM turns AS t WHERE {_BEHIND} AND t.state IN {_OPEN} ORDER BY t.id LIMIT 1),
        (SELECT max(id) FROM turns), 0
    )
    WHERE true ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE excluded.value > marks.value
"""
_FIND = """
    SELECT s.id, s.kind, s.title, t.project, t.channel, t.user_id, t.accepted_ms,
        (SELECT message_id FROM inbox WHERE turn_id = t.id ORDER BY id LIMIT 1), {excerpts}
    FROM search JOIN turns AS t ON t.id = search.rowid
    LEFT JOIN claude_code_sessions AS s ON s.number = CASE
        WHEN t.superseded_by IS NULL AND EXISTS (
            SELECT 1 FROM claude_code_sessions WHERE number = t.chat AND user_id = :user_id AND deleted_ms IS NULL
        ) THEN t.chat
        WHEN t.chat IS NULL OR t.session <> t.chat THEN t.session END
    WHERE {matches} AND CASE
        WHEN s.number IS NOT NULL THEN s.deleted_ms IS NULL AND (
            s.user_id = :user_id OR s.shared = 1 AND s.project IN (SELECT value FROM json_each(:shared)))
        ELSE t.user_id = :user_id AND t.chat IS NULL AND t.session IS NULL END
    ORDER BY search.rowid DESC LIMIT :limit
"""

_CHATS = f"{SESSIONS} WHERE user_id = ? AND kind = 'chat' AND deleted_ms IS NULL"

_IN_TITLE = "AND lower(title) <> replace(lower(title), ?, '') "

_WORD = re.compile(r"[^\W_]+")
_ALONE = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]")
"""Characters of scripts that put no blank between words: each is a word of its own in the index."""

GAP = "\u200b"
"""Ends a word, and is not seen."""

_PART = re.compile("(\x01[^\x02]*\x02)")


class SqlSearch(ABC):
    """`SearchStore` over a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._batch = BATCH // 10

    @abstractmethod
    def query(self, words: str) -> str:
        """Return the query for what a person typed: every word, or one that begins with it; empty = no word."""

    @abstractmethod
    def add(self, tx: Transaction, turn_id: int, question: str, answer: str) -> None:
        """Index the words of a turn."""

    @abstractmethod
    def rows(self, connection: Reader, words: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Return the rows of `find_sql`; in the excerpts, \\x01 begins and \\x02 ends what was looked for."""

    async def find(self, user_id: UserId, words: str, *, shared: Sequence[ProjectName] = (), limit: int) -> list[Found]:
        """Return the newest exchanges of a user in which all words occur."""
        query = self.query(words)
        if not query:
            return []
        while await self._database.scan(_is_behind):
            await self._database.write(self._index)
        values = {"query": query, "user_id": user_id, "shared": json.dumps(shared), "limit": limit}
        return await self._database.scan(
            lambda connection: [_found(row) for row in self.rows(connection, words, values)]
        )

    def _index(self, tx: Transaction) -> None:
        began = time.monotonic()
        rows = tx.execute(_TO_INDEX, (self._batch,)).fetchall()
        for turn_id, prompt, answer in rows:
            bodies = [body for (body,) in tx.execute(_BODIES, (turn_id,))]
            self.add(tx, turn_id, "\n".join(bodies) if bodies else prompt, answer)
        if len(rows) < self._batch:
            tx.execute(_ADVANCE)
        takes_long = time.monotonic() - began > LONG_SECONDS
        self._batch = max(1, self._batch // 2) if takes_long else min(BATCH, self._batch * 2)

    async def titles(self, user_id: UserId, words: str, *, limit: int) -> list[Session]:
        """Return the chats of a user whose titles have all words, newest activity first."""
        wanted = words_of(words)
        if not wanted:
            return []
        query = f"{_CHATS} {_IN_TITLE * len(wanted)} ORDER BY activity_ms DESC LIMIT ?"
        values = (user_id, *(word.lower() for word in wanted), limit)
        return await self._database.scan(
            lambda connection: [to_session(row) for row in connection.execute(query, values)]
        )


def words_of(typed: str) -> list[str]:
    """Return the words of a query that count."""
    return _WORD.findall(typed)[:MOST_WORDS]


def find_sql(excerpts: str, matches: str) -> str:
    """Return the SELECT of what is found.

    Args:
        excerpts: expressions of the excerpts from question and answer.
        matches: the condition on `:query`.
    """
    return _FIND.format(excerpts=excerpts, matches=matches)


def _is_behind(connection: Reader) -> bool:
    return bool(connection.execute(_IS_BEHIND).fetchone()[0])


def spaced(text: str) -> str:
    """Return a text in which a gap ends each word of a script without blanks."""
    return _ALONE.sub(lambda match: f"{GAP}{match[0]}{GAP}", text)


def _found(row: tuple[Any, ...]) -> Found:
    session_id, kind, title, project, channel, user_id, accepted_ms, message_id, question, answer = row
    in_question = "\x01" in question
    return Found(
        session_id=SessionId(session_id) if session_id is not None else None,
        kind=SessionKind(kind) if kind is not None else None,
        title=title or "",
        project=ProjectName(project),
        channel=channel,
        message_id=MessageId(message_id),
        user_id=UserId(user_id),
        role="user" if in_question else "assistant",
        excerpt=_parts(question if in_question else answer),
        accepted_ms=accepted_ms,
    )


def _parts(marked: str) -> list[ExcerptPart]:
    joined = marked.replace(GAP, "").replace("\x02\x01", "")
    return [ExcerptPart(part.strip("\x01\x02"), part.startswith("\x01")) for part in _PART.split(joined) if part]
