"""Cost queries by system, user, session, day and user-day, and exchanges, in a small and in a large store."""

from __future__ import annotations

import sqlite3
import time
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.core import open_bench_store
from benchmarks.figures import Figure, compare, percentile
from benchmarks.transactions import drive, in_two_commits, make_sessions
from supervisor.protocol.messages import SessionId, UserId
from supervisor.protocol.times import DAY_MS, now_ms
from supervisor.runtime.state import DATABASE_FILE
from supervisor.store import SqliteStore
from supervisor.store.ports.ledger import CostQuery

REACH = "1 ms"
USERS = 100
EXCHANGES_OF_SESSION = 500
DAYS = 365
PRODUCERS = 50

_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last)"
_SESSION = f"((i - 1) / {EXCHANGES_OF_SESSION} + 1)"
_USER = f"'user-' || ({_SESSION} % {USERS})"
_CHANNEL = f"CASE {_SESSION} % 3 WHEN 0 THEN 'socket' WHEN 1 THEN 'sms' ELSE 'mail' END"
_AT = f"(:begin + (i - 1) * {DAYS * DAY_MS} / :exchanges)"
_ID = "printf('%08x-{kind}-7000-8000-%012x', i / 65536, i)"
_MODEL = "CASE i % 5 WHEN 0 THEN 'claude-opus-4-5' ELSE 'claude-sonnet-4-5' END"
_FILL = (
    f"""
    INSERT INTO claude_code_sessions (number, id, user_id, project, project_path, conversation_id, thread, status,
        end_reason, started, started_ms, ended_ms, activity_ms, updated_ms, epoch)
    {_NUMBERS} SELECT {_SESSION}, 'session-' || {_SESSION}, {_USER}, 'bench', '/bench', {_ID.format(kind="0005")}, '',
        'disconnected', 'idle', 1, {_AT}, {_AT}, {_AT}, {_AT}, 1
    FROM n WHERE i % {EXCHANGES_OF_SESSION} = 1
    """,
    f"""
    INSERT INTO turns (id, lane, target, reason, state, user_id, session, project, exclusive, channel, thread, epoch,
        accepted_ms, started_ms, ended_ms, stop_reason)
    {_NUMBERS} SELECT i, 'session-' || {_SESSION}, 'claude_code', 'sent to the session', 'completed', {_USER},
        {_SESSION}, 'bench', 0, {_CHANNEL}, '', 1, {_AT}, {_AT}, {_AT}, 'end_turn' FROM n
    """,
    f"""
    INSERT INTO inbox (id, message_id, turn_id, account, sender_kind, sender, digest)
    {_NUMBERS} SELECT i, {_ID.format(kind="0001")}, i, 'token:1', 'socket', 'bench', zeroblob(16) FROM n
    """,
    f"""
    INSERT INTO claude_code_messages (seq, id, session_id, direction, message, timestamp_ms, status)
    {_NUMBERS} SELECT 2 * i, {_ID.format(kind="0001")}, 'session-' || {_SESSION}, 'to_claude', 'prompt number ' || i,
        {_AT}, 'completed' FROM n
    """,
    f"""
    INSERT INTO claude_code_messages (seq, id, session_id, direction, message, timestamp_ms, cost_nanos, status)
    {_NUMBERS} SELECT 2 * i + 1, {_ID.format(kind="0002")}, 'session-' || {_SESSION}, 'from_claude',
        'answer number ' || i, {_AT}, 1000000 + i % 1000, 'completed' FROM n
    """,
    f"""
    INSERT INTO ledger (id, ref, turn_id, session, user_id, channel, kind, model, input, output, cache_read,
        cache_write_5m, cache_write_1h, nanos, estimated, unpriced, at_ms, epoch)
    {_NUMBERS} SELECT i, {_ID.format(kind="0003")}, i, {_SESSION}, {_USER}, {_CHANNEL}, 'model', {_MODEL}, 900, 150, 0,
        0, 0, 1000000 + i % 1000, 0, 0, {_AT}, 1 FROM n
    """,
)
_ROLLUPS = {
    "system": "''",
    "user": "l.user_id",
    "session": "'session-' || l.session",
    "channel": "l.channel",
    "model": "l.model",
}
_BATCH = 500_000
"""Exchanges per statement, so that the working set of the indexes fits into the cache."""


async def measure(folder: Path, short: bool) -> list[Figure]:
    """Fill two stores and send the same queries to both."""
    small, big = (10_000, 100_000) if short else (10_000, 10_000_000)
    rounds, each = (2, 20) if short else (5, 100)
    figures: list[Figure] = []
    places = {messages: folder / str(messages) for messages in (small, big)}
    for messages, place in places.items():
        place.mkdir()
        await (await open_bench_store(place)).close()
        _fill(place / DATABASE_FILE, messages // 2)
    stores = {messages: await open_bench_store(place) for messages, place in places.items()}
    try:
        if problems := await stores[small].ledger.disagreements():
            raise RuntimeError(f"the filled store does not add up: {problems[0]}")
        scans = {messages: _scan_ms(place / DATABASE_FILE) for messages, place in places.items()}
        for what, query, reach in _queries():
            took = {
                messages: [await _ask(store, query, each) for _ in range(rounds)] for messages, store in stores.items()
            }
            plain = f"the same at {small:,} messages"
            figures.append(compare(f"{what}, {big:,} messages", "ms", took[big], plain, took[small], reach))
        scan = "adding up the ledger without rollups"
        for messages in (small, big):
            total = [await _ask(stores[messages], CostQuery(), each) for _ in range(rounds)]
            figures.append(
                compare(f"total of the system, {messages:,} messages", "ms", total, scan, [scans[messages]], REACH)
            )
        figures += await _exchanges(stores[small], stores[big], small, big, rounds=rounds, each=4 if short else 40)
    finally:
        for store in stores.values():
            await store.close()
    return figures


def _queries() -> list[tuple[str, CostQuery, str]]:
    user, session = UserId("user-1"), SessionId("session-1")
    today = now_ms() // DAY_MS
    of_year = partial(CostQuery, since_day=today - 400, until_day=today + 1)
    of_day = partial(CostQuery, since_day=today - 100, until_day=today - 99)
    return [
        ("total of the system", CostQuery(), REACH),
        ("total of a user", CostQuery(user_id=user), REACH),
        ("total of a session", CostQuery(session_id=session), REACH),
        ("total of a day", of_day(), REACH),
        ("total of a user's day", of_day(user_id=user), REACH),
        ("a year by days", of_year(group_by="day"), ""),
        ("a user's year by days", of_year(user_id=user, group_by="day"), ""),
        ("all users", CostQuery(group_by="user"), ""),
        ("the 500 dearest sessions", CostQuery(group_by="session"), ""),
        ("a user's models (from the ledger)", CostQuery(user_id=user, group_by="model"), ""),
    ]


async def _ask(store: SqliteStore, query: CostQuery, times: int) -> float:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        await store.ledger.cost(query)
        took.append((time.perf_counter() - began) * 1e3)
        if sum(took) > 2_000:  # the query reads a large part of the ledger
            break
    return percentile(took, 50)


async def _exchanges(
    small: SqliteStore, big: SqliteStore, small_size: int, big_size: int, *, rounds: int, each: int
) -> list[Figure]:
    """Return the durations of T1 and T3 in both stores; they should not depend on the size."""
    p50: dict[int, list[float]] = {small_size: [], big_size: []}
    cpu: dict[int, list[float]] = {small_size: [], big_size: []}
    sessions = {small_size: await make_sessions(small, PRODUCERS), big_size: await make_sessions(big, PRODUCERS)}
    for _ in range(rounds):
        for messages, store in ((small_size, small), (big_size, big)):
            took, used = await drive(store, sessions[messages], each, in_two_commits)
            p50[messages].append(median(took) * 1e3)
            cpu[messages].append(used * 1e6)
    what, plain = f"T1 and T3 at {PRODUCERS} producers, {big_size:,} messages", f"the same at {small_size:,} messages"
    return [
        compare(f"{what}: p50", "ms", p50[big_size], plain, p50[small_size]),
        compare(f"{what}: CPU", "us", cpu[big_size], plain, cpu[small_size]),
    ]


def _fill(path: Path, exchanges: int) -> None:
    """Write the rows that T1 and T3 would write for that many exchanges, and the rollups of these rows."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000; PRAGMA temp_store = MEMORY;")
        begin = (now_ms() // DAY_MS - DAYS) * DAY_MS
        for first in range(1, exchanges + 1, _BATCH):
            last = min(first + _BATCH - 1, exchanges)
            connection.execute("BEGIN")
            for statement in _FILL:
                connection.execute(statement, {"first": first, "last": last, "begin": begin, "exchanges": exchanges})
            connection.execute("COMMIT")
        connection.execute("BEGIN")
        for scope, key in _ROLLUPS.items():
            sums = "sum(nanos), count(*), sum(input), sum(output)"
            connection.execute(
                f"INSERT INTO daily_totals (scope, key, day, nanos, messages, input_tokens, output_tokens) "
                f"SELECT '{scope}', {key}, l.at_ms / {DAY_MS}, {sums} FROM ledger AS l GROUP BY 2, 3"
            )
        connection.execute(
            "INSERT INTO totals (scope, key, nanos, messages, input_tokens, output_tokens) SELECT scope, key, "
            "sum(nanos), sum(messages), sum(input_tokens), sum(output_tokens) FROM daily_totals GROUP BY 1, 2"
        )
        connection.execute(
            "UPDATE claude_code_sessions SET (cost_nanos, message_count) = "
            "(SELECT nanos, messages FROM totals WHERE scope = 'session' AND key = id)"
        )
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.close()


def _scan_ms(path: Path) -> float:
    connection = sqlite3.connect(path)
    try:
        began = time.perf_counter()
        connection.execute("SELECT sum(nanos) FROM ledger").fetchone()
        return (time.perf_counter() - began) * 1e3
    finally:
        connection.close()
