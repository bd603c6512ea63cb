"""T1, T2 and T3 of the store alone: latency with one producer and CPU time with many, against bare commits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks.bare import TEXT, bare_table
from benchmarks.core import PROJECT, USER, open_bench_store
from benchmarks.figures import Figure, compare, percentile
from supervisor.protocol.conversation import Tokens
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import Address, MessageId, ProjectName, SessionId
from supervisor.protocol.status import SessionStatus, Target, TurnState
from supervisor.protocol.times import now_ms
from supervisor.store import Store
from supervisor.store.records.acceptance import Acceptance
from supervisor.store.records.charge import Charge
from supervisor.store.records.outcome import Outcome
from supervisor.store.records.session import NewSession

PRODUCERS = (1, 50, 500)
FEW_PRODUCERS = (1, 20)


async def measure(folder: Path, short: bool) -> list[Figure]:
    """Measure one exchange in the store: with T1 and T2 in one commit, and with one commit each."""
    rounds, count, counts = (2, 100, FEW_PRODUCERS) if short else (5, 4_000, PRODUCERS)
    figures = []
    store = await open_bench_store(folder)
    try:
        sessions = await make_sessions(store, max(counts))
        with bare_table(folder) as bare:
            for producers in counts:
                latencies: dict[str, list[float]] = {"two": [], "three": [], "bare": []}
                cpu: dict[str, list[float]] = {"two": [], "three": [], "bare": []}
                each = max(1, (count if producers > 1 else count // 8) // producers)
                for _ in range(rounds):
                    for name, exchange in (("two", in_two_commits), ("three", in_three_commits)):
                        took, used = await drive(store, sessions[:producers], each, exchange)
                        latencies[name].append(percentile(took, 50) * 1e3)
                        cpu[name].append(used * 1e6)
                    commits = bare.commit_seconds(rows=producers, times=20)
                    latencies["bare"].append(2 * percentile(commits, 50) * 1e3)
                    cpu["bare"].append(2 * bare.cpu_per_row(rows=producers, times=max(20, each)) * 1e6)
                who = "1 producer" if producers == 1 else f"{producers} producers"
                plain = f"two bare commits of {producers} row{'s' if producers > 1 else ''}"
                for name, said in (("two", "T1 with T2, then T3"), ("three", "T1, T2, T3")):
                    figures += [
                        compare(f"{said}, {who}: p50", "ms", latencies[name], plain, latencies["bare"]),
                        compare(f"{said}, {who}: CPU", "us", cpu[name], f"{plain}, a row", cpu["bare"]),
                    ]
    finally:
        await store.close()
    return figures


Exchange = Callable[[Store, SessionId], Awaitable[None]]


async def drive(store: Store, sessions: list[SessionId], each: int, exchange: Exchange) -> tuple[list[float], float]:
    """Run `each` exchanges per session; return their durations and the CPU time of one, in seconds."""
    took: list[float] = []

    async def produce(session_id: SessionId) -> None:
        for _ in range(each):
            began = time.perf_counter()
            await exchange(store, session_id)
            took.append(time.perf_counter() - began)

    before = time.process_time()
    async with asyncio.TaskGroup() as group:
        for session_id in sessions:
            group.create_task(produce(session_id))
    return took, (time.process_time() - before) / len(took)


async def make_sessions(store: Store, count: int) -> list[SessionId]:
    """Create the records of that many sessions."""
    ids = [SessionId(uuid7()) for _ in range(count)]
    news = [
        NewSession(
            id=session_id,
            user_id=USER,
            project=ProjectName(PROJECT),
            project_path="/bench",
            conversation_id=uuid7(),
            thread=f"session:{session_id}",
        )
        for session_id in ids
    ]
    created = (store.sessions.create(new, status=SessionStatus.ACTIVE, now_ms=now_ms()) for new in news)
    await asyncio.gather(*created)
    return ids


def acceptance(session_id: SessionId, *, start: bool, text: str = TEXT) -> Acceptance:
    """Return the acceptance of a prompt that a service sent."""
    return Acceptance(
        message_id=MessageId(uuid7()),
        channel="socket",
        account="token:1",
        dedup_key=None,
        digest="",
        user_id=USER,
        sender=Address(kind="socket", value="bench"),
        text=text,
        target=Target.CLAUDE_CODE,
        reason="sent to the session",
        lane=session_id,
        session_id=session_id,
        project=ProjectName(PROJECT),
        start=start,
        now_ms=now_ms(),
    )


def outcome(text: str = TEXT) -> Outcome:
    """Return the outcome of a completed turn with one model call."""
    charge = Charge(
        ref=uuid7(), kind="model", model="claude-sonnet-4-5", tokens=Tokens(input=900, output=150), nanos=4_950_000
    )
    return Outcome(
        state=TurnState.COMPLETED,
        answer=text,
        stop_reason="end_turn",
        duration_ms=1,
        charges=(charge,),
        now_ms=now_ms(),
    )


async def in_two_commits(store: Store, session_id: SessionId) -> None:
    """Accept and start in one commit, and finish in the next: a prompt for a free session."""
    accepted = await store.turns.accept(acceptance(session_id, start=True))
    assert accepted.started is not None, "the session is free"
    await store.turns.finish(accepted.started.id, outcome())


async def in_three_commits(store: Store, session_id: SessionId) -> None:
    """Accept, start and finish in one commit each: a prompt that was queued."""
    await store.turns.accept(acceptance(session_id, start=False))
    turn = await store.turns.start_next(session_id, None, now_ms=now_ms())
    assert turn is not None, "it was accepted just now"
    await store.turns.finish(turn.id, outcome())
