"""One open transaction. Audit entries and totals of a group of writes are stored once, right before the commit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from json.encoder import encode_basestring_ascii
from typing import Any, NamedTuple, Protocol

import pydantic_core

from supervisor.protocol.conversation import Tokens
from supervisor.protocol.times import DAY_MS
from supervisor.store.committed import Entry
from supervisor.store.ports.cluster.notices import Notice, Topic

Seal = Callable[[bytes, bytes], bytes]
"""Returns the seal of an audit row: (the seal of the row before, the row's content) -> MAC."""

Row = tuple[Any, ...]

Numbered = Callable[[str, Row, str], int]
"""Runs an INSERT with its values, and returns what the database put in a column."""


class Rows(Protocol):
    """The result of a statement."""

    @property
    def rowcount(self) -> int:
        """How many rows an INSERT, UPDATE or DELETE changed."""

    def fetchone(self) -> Any:
        """Return the next row; None = there is no more."""

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""

    def __iter__(self) -> Iterator[Any]: ...


class Reader(Protocol):
    """A connection, inside a transaction: all reads of one piece of work see one state of the data."""

    def execute(self, sql: str, parameters: Any = ..., /) -> Rows:
        """Run a statement."""


class Writer(Reader, Protocol):
    """A connection that may write."""

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> object:
        """Run a statement once for each of several rows of values."""


_LAST_SEALED = "SELECT seq, mac FROM audit ORDER BY seq DESC LIMIT 1"
_APPEND_ENTRY = "INSERT INTO audit (seq, at_ms, epoch, actor, event, detail, mac) VALUES (?, ?, ?, ?, ?, ?, ?)"
_ADD_TO_TOTAL = """
    INSERT INTO totals (nanos, messages, input_tokens, output_tokens, scope, key) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (scope, key) DO UPDATE SET
        nanos = totals.nanos + excluded.nanos, messages = totals.messages + excluded.messages,
        input_tokens = totals.input_tokens + excluded.input_tokens,
        output_tokens = totals.output_tokens + excluded.output_tokens
"""
_ADD_TO_DAY = """
    INSERT INTO daily_totals (nanos, messages, input_tokens, output_tokens, scope, key, day)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (scope, key, day) DO UPDATE SET
        nanos = daily_totals.nanos + excluded.nanos, messages = daily_totals.messages + excluded.messages,
        input_tokens = daily_totals.input_tokens + excluded.input_tokens,
        output_tokens = daily_totals.output_tokens + excluded.output_tokens
"""
_MARK_PROMPT = "UPDATE claude_code_messages SET status = ? WHERE seq = ?"
_REMEMBER = """
    INSERT INTO last_used (user_id, channel, session, at_ms) VALUES (?, ?, ?, ?)
    ON CONFLICT (user_id, channel) DO UPDATE SET session = excluded.session, at_ms = excluded.at_ms
"""


class Owner(NamedTuple):
    """The keys under which a message or charge counts in the totals; an empty key means "none".

    Attributes:
        turn_id, session: internal numbers; None = no turn, no Claude Code session.
        session_id: the id of the Claude Code session.
    """

    turn_id: int | None
    user_id: str
    session: int | None
    session_id: str
    channel: str


@cache
def insert_sql(table: str, unless: str, *columns: str) -> str:
    """Return an INSERT of one row. Its values are bound by position: SQLite's module looks up names slowly."""
    marks = ", ".join("?" * len(columns))
    conflict = f" ON CONFLICT ({unless}) DO NOTHING" if unless else ""
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}){conflict}"


def to_json(value: Any) -> str:
    """Return compact JSON."""
    return str(pydantic_core.to_json(value), "utf-8")


def canonical(seq: int, at_ms: int, epoch: int, actor: str, event: str, detail: str) -> bytes:
    """Return the bytes that the seal of an audit row covers."""
    text = encode_basestring_ascii  # as `json.dumps` encodes a string, but faster
    return f"[{seq},{at_ms},{epoch},{text(actor)},{text(event)},{text(detail)}]".encode()  # the JSON of a list of them


class Transaction:
    """A transaction of the writing connection, shared by the writes of one group.

    Args:
        epoch: of this start of the daemon; 0 before it is known.
        numbered: inserts a row and returns its number.

    Attributes:
        channels: those that have replies to deliver after the commit.
        notices: what other nodes hear of after the commit.
        points: the names of the writes, for the crash points before and after the commit, and for watchers.
        recorded: the entries of the audit trail, for those who count what happens.
    """

    def __init__(self, connection: Writer, epoch: int, seal: Seal, numbered: Numbered) -> None:
        self.epoch = epoch
        self.execute = connection.execute
        self.executemany = connection.executemany
        self.channels: set[str] = set()
        self.notices: list[Notice] = []
        self.points: list[str] = []
        self.recorded: list[Entry] = []
        self._seal = seal
        self._numbered = numbered
        self._entries: list[Row] = []
        self._last_entry: tuple[int, bytes] | None = None
        self._sums: dict[tuple[str, str, int], list[int]] = {}
        self._last_used: dict[tuple[str, str], tuple[int, int]] = {}

    def one(self, sql: str, parameters: Iterable[Any] = ()) -> Row | None:
        """Return the first row of a query."""
        row: Row | None = self.execute(sql, tuple(parameters)).fetchone()
        return row

    def changed(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any]) -> bool:
        """Run an INSERT, UPDATE or DELETE; return whether it changed a row."""
        return self.execute(sql, parameters).rowcount > 0

    def insert(self, table: str, row: Mapping[str, Any], *, unless: str = "") -> None:
        """Insert a row, given as its columns and their values.

        Args:
            unless: a unique column; where a row with the same value exists, nothing is inserted. Empty = insert always.
        """
        self.execute(insert_sql(table, unless, *row), (*row.values(),))

    def insert_numbered(self, table: str, row: Mapping[str, Any], number: str) -> int:
        """Insert a row that the database numbers; return its number.

        Args:
            number: the column of the number.
        """
        return self._numbered(insert_sql(table, "", *row), (*row.values(),), number)

    def point(self, name: str) -> None:
        """Name this write, for the crash points before and after its commit."""
        self.points.append(name)

    def notify(self, topic: Topic, value: str = "") -> None:
        """Tell other nodes after the commit; this one knows by itself."""
        self.notices.append(Notice(topic, value))

    def record(self, actor: str, event: str, detail: Mapping[str, Any], now_ms: int, *, channel: str = "") -> None:
        """Append an audit entry, sealed over the one before.

        Args:
            channel: of the message or reply that it is about; the entry says it. Empty = it is about none, or `detail`
                names it.
        """
        if channel:
            detail = {**detail, "channel": channel}
        self.recorded.append(Entry(event, detail.get("channel", "")))
        if self._last_entry is None:
            row = self.one(_LAST_SEALED)
            self._last_entry = (0, b"") if row is None else (row[0], row[1])
        seq, previous = self._last_entry[0] + 1, self._last_entry[1]
        content = to_json(detail)
        mac = self._seal(previous, canonical(seq, now_ms, self.epoch, actor, event, content))
        self._entries.append((seq, now_ms, self.epoch, actor, event, content, mac))
        self._last_entry = (seq, mac)

    def mark_prompt(self, turn_id: int, status: str) -> None:
        """Copy the state of a turn to its prompt, if the prompt is in a conversation."""
        self.execute(_MARK_PROMPT, (status, 2 * turn_id))

    def count_message(self, owner: Owner, now_ms: int) -> None:
        """Count an accepted prompt."""
        self._count_for(owner, now_ms // DAY_MS, 0, 1, 0, 0)

    def count_charge(self, owner: Owner, model: str, nanos: int, tokens: Tokens, *, first: bool, now_ms: int) -> None:
        """Count a posted charge; `first`: the turn had none of this model before."""
        day = now_ms // DAY_MS
        self._count_for(owner, day, nanos, 0, tokens.input, tokens.output)
        self._count(("model", model, day), nanos, int(first), tokens.input, tokens.output)

    def remember(self, user_id: str, channel: str, session: int, now_ms: int) -> None:
        """Note the session that a user used last on a channel; an empty channel means "on any"."""
        self._last_used[user_id, channel] = (session, now_ms)

    def settle(self) -> None:
        """Store the audit entries, totals and last-used rows of the group; call it right before the commit."""
        if self._entries:
            self.executemany(_APPEND_ENTRY, self._entries)
        if self._sums:
            self.executemany(_ADD_TO_TOTAL, [(*sums, scope, key) for (scope, key, _), sums in self._sums.items()])
            self.executemany(_ADD_TO_DAY, [(*sums, *place) for place, sums in self._sums.items()])
        if self._last_used:
            self.executemany(_REMEMBER, [(*key, *place) for key, place in self._last_used.items()])

    def _count_for(self, owner: Owner, day: int, nanos: int, messages: int, tokens_in: int, tokens_out: int) -> None:
        self._count(("system", "", day), nanos, messages, tokens_in, tokens_out)
        self._count(("user", owner.user_id, day), nanos, messages, tokens_in, tokens_out)
        self._count(("session", owner.session_id, day), nanos, messages, tokens_in, tokens_out)
        self._count(("channel", owner.channel, day), nanos, messages, tokens_in, tokens_out)

    def _count(self, place: tuple[str, str, int], nanos: int, messages: int, tokens_in: int, tokens_out: int) -> None:
        sums = self._sums.get(place)
        if sums is None:
            self._sums[place] = [nanos, messages, tokens_in, tokens_out]
        else:
            sums[0] += nanos
            sums[1] += messages
            sums[2] += tokens_in
            sums[3] += tokens_out
