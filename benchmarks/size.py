"""Bytes on disk per 1,000 rows of claude_code_messages, with all tables and indexes."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import uuid
from dataclasses import replace
from pathlib import Path

from benchmarks.core import open_bench_store
from benchmarks.figures import Figure, compare
from benchmarks.transactions import acceptance, make_sessions, outcome
from supervisor.protocol.messages import Address, OutboxId, Reply, SessionId
from supervisor.protocol.times import now_ms
from supervisor.runtime.state import DATABASE_FILE
from supervisor.store import SqliteStore
from supervisor.store.records.outbox import OutboxDraft

CHARACTERS = 200
REACH = "1.5 MB, aim 1 MB"
SESSIONS = 20
REPLY = Reply(
    channel="sms", to=Address(kind="phone", value="+15550100"), account="+15550199", meta={"prefix": "[bench]"}
)


async def measure(folder: Path, short: bool) -> list[Figure]:
    """Write prompts and answers of about 200 characters with T1 and T3, each with one model call."""
    exchanges = 200 if short else 5_000
    figures = []
    for channel in ("socket", "sms"):
        place = folder / channel
        place.mkdir()
        store = await open_bench_store(place)
        sessions = await make_sessions(store, SESSIONS)
        await store.close()
        before = _bytes(place)
        store = await open_bench_store(place)
        await _fill(store, sessions, exchanges, by_sms=channel == "sms")
        await store.close()
        grown = (_bytes(place) - before) / (2 * exchanges)
        text = _bare_bytes(place, 2 * exchanges) / (2 * exchanges)
        what = f"1,000 message rows, by {channel}{' with its outbox' if channel == 'sms' else ''}"
        figures.append(compare(what, "MB", [grown / 1e3], "a bare table of the same texts", [text / 1e3], REACH))
    return figures


async def _fill(store: SqliteStore, sessions: list[SessionId], exchanges: int, *, by_sms: bool) -> None:
    source = random.Random(1)

    async def produce(session_id: SessionId, count: int) -> None:
        for _ in range(count):
            await _exchange(store, session_id, source, by_sms=by_sms)

    await asyncio.gather(*(produce(session_id, exchanges // SESSIONS) for session_id in sessions))


async def _exchange(store: SqliteStore, session_id: SessionId, source: random.Random, *, by_sms: bool) -> None:
    taken = acceptance(session_id, start=True, text=_text(source))
    ended = outcome(_text(source))
    if by_sms:
        taken = replace(taken, channel="sms", reply=REPLY, dedup_key=_sid(source))
        ended = replace(ended, replies=(OutboxDraft(id=OutboxId(str(uuid.uuid4())), reply=REPLY, text=None),))
    accepted = await store.turns.accept(taken)
    assert accepted.started is not None, "the session is free"
    await store.turns.finish(accepted.started.id, ended)
    for draft in ended.replies:
        await store.outbox.begin(draft.id, now_ms=now_ms())
        await store.outbox.sent(draft.id, _sid(source), "", (), now_ms=now_ms())


def _text(source: random.Random) -> str:
    """Return a text of about 200 characters."""
    words: list[str] = []
    while sum(map(len, words)) + len(words) < CHARACTERS:
        words.append("".join(source.choices("abcdefghijklmnopqrstuvwxyz", k=source.randint(2, 9))))
    return " ".join(words)[:CHARACTERS]


def _sid(source: random.Random) -> str:
    """Return an id in the form of a Twilio SID."""
    return f"SM{source.getrandbits(128):032x}"


def _bytes(folder: Path) -> int:
    """Return the size of the closed database of a folder; its WAL is empty."""
    return (folder / DATABASE_FILE).stat().st_size


def _bare_bytes(folder: Path, rows: int) -> int:
    """Return the size of a database with one table of that many texts."""
    source = random.Random(1)
    path = folder / "bare.db"
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("CREATE TABLE bare (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO bare (text) VALUES (?)", ((_text(source),) for _ in range(rows)))
        connection.execute("COMMIT")
    finally:
        connection.close()
    return path.stat().st_size
