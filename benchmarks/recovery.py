"""Recovery of 100 sessions after a crash during a tool call: their transcripts are read, and their turns reported."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from benchmarks.bare import bare_table
from benchmarks.core import PROJECT, USER, core, open_bench_store
from benchmarks.figures import Figure, compare
from connectors.claude_code.command import Home
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import Address, MessageId, ProjectName, Reply, SessionId
from supervisor.protocol.status import SessionStatus, Target
from supervisor.protocol.times import now_ms
from supervisor.store.records.acceptance import Acceptance
from supervisor.store.records.session import NewSession

SESSIONS = 100
FEW_SESSIONS = 10
ENTRIES, ENTRY_CHARACTERS = 500, 2_000
"""The size of each transcript: one megabyte."""
PHONE = Address(kind="sms", value="+15550100")


async def measure(folder: Path, short: bool) -> list[Figure]:
    """Measure the recovery, which runs before the daemon accepts messages."""
    rounds, count = (2, FEW_SESSIONS) if short else (5, SESSIONS)
    took: list[float] = []
    bare: list[float] = []
    for number in range(rounds):
        state = folder / f"round-{number}"
        state.mkdir()
        await _crash(state, count)
        async with core(state, connector="claude_code") as daemon:
            began = time.perf_counter()
            found = await daemon.recovery.run()
            took.append((time.perf_counter() - began) * 1e3)
        if found.interrupted != count:
            raise RuntimeError(f"{found.interrupted} turns were reported, not {count}")
        with bare_table(state) as table:
            bare.append(sum(table.commit_seconds(times=count)) * 1e3)
    return [compare(f"recovery of {count} sessions", "ms", took, f"{count} bare commits of one row", bare)]


async def _crash(folder: Path, count: int) -> None:
    """Write the database of a daemon that was killed while turns ran tools in that many sessions."""
    (folder / "project").mkdir()
    store = await open_bench_store(folder)
    try:
        for _ in range(count):
            session_id, conversation_id, now = SessionId(uuid7()), uuid7(), now_ms()
            session = NewSession(
                id=session_id,
                user_id=USER,
                project=ProjectName(PROJECT),
                project_path=str(folder / "project"),
                conversation_id=conversation_id,
            )
            await store.sessions.create(session, status=SessionStatus.ACTIVE, now_ms=now)
            accepted = await store.turns.accept(_prompt(session_id, now))
            if accepted.started is None:
                raise RuntimeError("the turn did not start")
            payload = {"id": "t1", "summary": "Bash make"}
            await store.turns.record_event(accepted.started.id, "tool_allowed", payload, now_ms=now)
            _leave_transcript(folder / "sessions" / conversation_id, conversation_id, accepted.message_id)
    finally:
        await store.close()


def _leave_transcript(home: Path, conversation_id: str, message_id: MessageId) -> None:
    """Write the transcript of a long conversation whose last turn called a tool, in the format of Claude Code."""
    folder = Home(root=home).config / "projects" / "bench"
    folder.mkdir(parents=True)
    entries = [_entry("user", [{"type": "text", "text": "x" * ENTRY_CHARACTERS}], uuid7()) for _ in range(ENTRIES)]
    entries.append(_entry("user", [{"type": "text", "text": "run the tests, then deploy"}], message_id))
    call = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "make"}}
    entries.append(_entry("assistant", [call], uuid7()))
    (folder / f"{conversation_id}.jsonl").write_text("".join(entries))


def _entry(kind: str, content: list[dict[str, Any]], entry_id: str) -> str:
    message = {"role": kind, "content": content, "id": "msg_0", "stop_reason": "tool_use"}
    return json.dumps({"type": kind, "isSidechain": False, "uuid": entry_id, "message": message}) + "\n"


def _prompt(session_id: SessionId, now: int) -> Acceptance:
    return Acceptance(
        message_id=MessageId(uuid7()),
        channel="sms",
        account="+15550199",
        dedup_key=None,
        digest="",
        user_id=USER,
        sender=PHONE,
        text="run the tests, then deploy",
        target=Target.CLAUDE_CODE,
        reason="the conversation",
        lane=session_id,
        session_id=session_id,
        project=ProjectName(PROJECT),
        reply=Reply(channel="sms", to=PHONE, account="+15550199"),
        start=True,
        now_ms=now,
    )
