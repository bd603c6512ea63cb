"""Access paths and size: nothing that happens with every message reads a table, and rows are small."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import MessageId
from supervisor.protocol.status import SessionKind, SessionStatus
from supervisor.store import drafts, open_store, rows, transaction
from supervisor.store.messages import accept, chats, dedup, finish, history, outbox, sessions, start, turns
from supervisor.store.money import budgets, charges, cost
from supervisor.store.ports.ledger import CostQuery
from supervisor.store.sqlite import database
from tests.supervisor.store.builders import NOW, charge, draft, new_session, outcome, prompt, running, seal
from tests.supervisor.store.template import Template

TEMPLATE = Template()


def _cost_queries() -> list[str]:
    queries = [cost.TOTAL, cost.TOTAL_OF_DAYS, cost.DAYS, cost.KEYS]
    for filters in ({"user_id": "alice"}, {"session_id": "s1"}, {}):
        for group_by in ("channel", "model", "session", "project") if filters else ("project",):
            queries += [query for query in cost.ledger_queries(CostQuery(**filters), group_by) if query]  # type: ignore[arg-type]
    return queries


def _hot_queries() -> list[str]:
    """Return every statement of accepting, starting, finishing and sending, and the lists that pages show."""
    queries = [
        value.replace("{among}", "")
        for module in (accept, charges, chats, dedup, finish, history, outbox, start, turns)
        for name, value in vars(module).items()
        if name.isupper()
        and isinstance(value, str)
        and value.lstrip().startswith(("SELECT", "UPDATE", "DELETE"))
        and not hasattr(rows, name)
    ]
    lists = [sessions.list_query(user, False, 9, mark)[0] for user in ("alice", None) for mark in ((1, "s1"), None)]
    lists.append(sessions.list_query("alice", False, 9, (1, "s1"), kind=SessionKind.CHAT)[0])
    return [*queries, *lists, sessions.FIND, sessions.FIND_IN_THREAD, *_cost_queries()]


@pytest.mark.parametrize("query", _hot_queries(), ids=lambda query: " ".join(query.split())[:60])
def test_no_hot_query_reads_a_whole_table(query: str) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        TEMPLATE.migrate(connection)
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query.replace('?', ':x')}", Unbound())]
    # A partial index holds only what waits or runs: reading all of it is the question itself.
    allowed = ("turns_pending", "turns_running", "outbox_pending", "outbox_line", "outbox_sending", "outbox_failed")
    scans = [
        step
        for step in plan
        if step.startswith("SCAN")
        and not any(name in step for name in allowed)
        and step not in ("SCAN claude_code_sessions USING INDEX claude_code_sessions_activity", "SCAN CONSTANT ROW")
    ]
    assert scans == []


def test_the_query_of_limits_reads_the_journal_and_running_turns_but_not_all_turns_of_a_user() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        TEMPLATE.migrate(connection)
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {budgets._STANDING}", Unbound())]
    scans = {step for step in plan if step.startswith("SCAN")}
    assert scans == {"SCAN CONSTANT ROW", "SCAN c", "SCAN t USING INDEX turns_running"}
    searched = [step for step in plan if step.startswith("SEARCH t ")]
    assert all("rowid=?" in step for step in searched), searched


def _hot_changes() -> list[str]:
    """Return every statement that a message, its turn, its reply and a session's status are written with.

    Four are left out: three look for their rows where they write, and one belongs to the purge.
    """
    return [
        value
        for module in (accept, charges, dedup, drafts, finish, outbox, sessions, start, transaction, turns)
        for name, value in vars(module).items()
        if name.isupper()
        and isinstance(value, str)
        and value.lstrip().startswith(("INSERT", "UPDATE", "DELETE"))
        and name not in ("WAKE", "HASTEN", "_ADD_EVENT", "_FORGET_EXPIRED")
    ]


def _hot_inserts() -> list[str]:
    """Return the INSERTs of an exchange with a reply: they are made of a table and its columns."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        TEMPLATE.migrate(connection)
        inserts: list[str] = []

        def numbered(sql: str, values: transaction.Row, column: str) -> int:
            inserts.append(sql)
            return database._numbered(connection, sql, values, column)

        tx = transaction.Transaction(connection, 1, seal, numbered)
        real = tx.execute

        def execute(sql: str, values: Any = ()) -> transaction.Rows:
            if sql.startswith("INSERT"):
                inserts.append(sql)
            return real(sql, values)

        tx.execute = execute
        sessions.create_session(tx, new_session("s1"), SessionStatus.ACTIVE, NOW)
        accepted = accept.accept(tx, prompt("s1", start=True))
        assert accepted.started is not None
        finish.finish(tx, accepted.started.id, outcome(replies=[draft(text=None)]))
    assert len(inserts) == 6, "session, turn, inbox, prompt, answer, reply"
    return inserts


@pytest.mark.parametrize("change", [*_hot_changes(), *_hot_inserts()], ids=lambda change: " ".join(change.split())[:60])
def test_no_hot_change_fills_a_table_of_its_own(change: str) -> None:
    """As a CHECK with an IN of more than two values does, and RETURNING."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        TEMPLATE.migrate(connection)
        steps = [row[1] for row in connection.execute(f"EXPLAIN {change.replace('?', ':x')}", Unbound())]
    assert "Insert" in steps or "Delete" in steps
    assert "OpenEphemeral" not in steps


class Unbound(dict[str, None]):
    """Binds every named parameter of a statement to NULL."""

    def __missing__(self, key: str) -> None:
        return None


async def test_one_thousand_rows_take_less_than_one_and_a_half_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    store = await open_store(path, seal=seal)
    text = "All 214 tests pass now; the off-by-one in the pager is fixed. " * 3 + "Anything else?"
    sids = [uuid7() for _ in range(20)]
    for sid in sids:
        await store.sessions.create(new_session(sid), status=SessionStatus.ACTIVE, now_ms=NOW)

    async def exchange(n: int) -> None:
        sid = sids[n % len(sids)]
        fields: dict[str, Any] = {
            "message_id": MessageId(uuid7()),
            "dedup_key": f"SM{hashlib.md5(b'%d' % n).hexdigest()}",
            "dedup_seconds": 86_400.0,
            "digest": hashlib.sha256(b"%d" % n).hexdigest(),
        }
        turn = await running(store, prompt(sid, text=text, **fields))
        spent = charge(f"msg_{uuid7()}", 1_234_567)
        await store.turns.finish(turn.id, outcome(answer=text, charges=[spent], replies=[draft(text=None)]))

    for first in range(0, 1_000, len(sids)):
        await asyncio.gather(*(exchange(n) for n in range(first, first + len(sids))))
    await store.close()
    with closing(sqlite3.connect(path)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM claude_code_messages").fetchone()
    assert count == 2_000
    assert path.stat().st_size / count < 1_500
