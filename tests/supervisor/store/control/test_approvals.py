"""Questions in the database: asked once for each call, decided once, let through once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from supervisor.protocol.messages import ProjectName, SessionId, UserId
from supervisor.store import SqliteStore, open_store
from supervisor.store.ports.approvals import Approval, ApprovalState, NewApproval
from supervisor.store.records.outbox import OutboxDraft
from tests.supervisor.store.builders import NOW, draft, outcome, prompt, running, seal, with_session

SHA = b"s" * 32
LATER = NOW + 60_000


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """A store, open."""
    store = await open_store(tmp_path / "x.db", seal=seal)
    yield store
    await store.close()


def question(code: str) -> list[OutboxDraft]:
    """Return what tells a question."""
    return [draft(text=f"YES {code}?")]


async def asked(store: SqliteStore) -> Approval:
    """Return a question of a running turn."""
    await with_session(store)
    turn = await running(store, prompt())
    approval = await store.approvals.ask(new(turn.id), question, now_ms=NOW)
    assert approval is not None
    return approval


def new(turn_id: int, approval_id: str = "a1") -> NewApproval:
    """Return a question to be asked."""
    return NewApproval(
        id=approval_id,
        turn_id=turn_id,
        session_id=SessionId("s1"),
        user_id=UserId("alice"),
        project=ProjectName("shop"),
        tool_use_id="toolu_1",
        tool="Bash",
        risk="shell",
        channel="sms",
        content_sha256=b"c",
        call_sha256=SHA,
        summary="Bash ls",
        expires_ms=LATER,
    )


async def test_an_allowed_call_goes_through_once_and_only_as_it_was_asked(store: SqliteStore) -> None:
    approval = await asked(store)
    assert [row.text for row in await store.outbox.due("sms", now_ms=NOW, limit=9)] == [f"YES {approval.code}?"]
    assert not await store.approvals.consume("a1", SHA, now_ms=NOW)
    assert await store.approvals.allow("a1", "alice", way="sms", now_ms=NOW)
    assert not await store.approvals.allow("a1", "alice", way="sms", now_ms=NOW)
    assert not await store.approvals.consume("a1", b"t" * 32, now_ms=NOW)
    assert await store.approvals.consume("a1", SHA, now_ms=NOW)
    assert not await store.approvals.consume("a1", SHA, now_ms=NOW)
    assert not await store.approvals.deny("a1", "alice", way="sms", now_ms=NOW)


async def test_a_no_beats_a_yes_until_the_call_runs(store: SqliteStore) -> None:
    approval = await asked(store)
    assert await store.approvals.allow("a1", "alice", way="sms", minutes=5, now_ms=NOW)
    scope = (approval.user_id, approval.project, "Bash", "shell")
    assert await store.approvals.granted(*scope, now_ms=NOW)
    assert not await store.approvals.granted(*scope, now_ms=NOW + 5 * 60_000)
    assert not await store.approvals.granted(*scope[:3], "outside", now_ms=NOW)
    assert await store.approvals.deny("a1", "alice", way="sms", now_ms=NOW)
    assert not await store.approvals.granted(*scope, now_ms=NOW)
    assert not await store.approvals.consume("a1", SHA, now_ms=NOW)


@pytest.mark.parametrize("field", range(4))
async def test_a_grant_is_for_one_user_project_tool_and_risk(store: SqliteStore, field: int) -> None:
    approval = await asked(store)
    assert await store.approvals.allow("a1", "alice", way="sms", minutes=5, now_ms=NOW)
    scope: list[Any] = [approval.user_id, approval.project, "Bash", "shell"]
    assert await store.approvals.granted(*scope, now_ms=NOW)
    scope[field] = "other"
    assert not await store.approvals.granted(*scope, now_ms=NOW)


async def test_a_no_after_the_call_ends_its_grant(store: SqliteStore) -> None:
    approval = await asked(store)
    assert await store.approvals.allow("a1", "alice", way="sms", minutes=5, now_ms=NOW)
    assert await store.approvals.consume("a1", SHA, now_ms=NOW)
    assert not await store.approvals.deny("a1", "alice", way="sms", now_ms=NOW + 5 * 60_000)
    assert await store.approvals.deny("a1", "alice", way="sms", now_ms=NOW + 60_000)
    scope = (approval.user_id, approval.project, "Bash", "shell")
    assert not await store.approvals.granted(*scope, now_ms=NOW + 60_000)
    assert not await store.approvals.deny("a1", "alice", way="sms", now_ms=NOW + 60_000)
    found = await store.approvals.find("a1")
    assert found is not None
    assert (found.state, found.consumed) == (ApprovalState.ALLOWED, True)


async def audited(store: SqliteStore) -> list[tuple[str, str, dict[str, Any]]]:
    """Return who did what to the question, as the audit trail knows it."""
    assert await store.audit.verify() is None
    found = await store.audit.entries(after=0, limit=99)
    return [
        (entry.actor, entry.event.removeprefix("approval."), dict(entry.detail))
        for entry in found
        if entry.detail.get("id") == "a1" and entry.event != "approval.asked"
    ]


@pytest.mark.parametrize("note", ["", "too risky\n\0\u200b ü"])
async def test_the_audit_trail_keeps_why_a_question_was_decided_so(store: SqliteStore, note: str) -> None:
    await asked(store)
    why = {"note": note} if note else {}
    assert await store.approvals.allow("a1", "alice", way="http", minutes=5, note=note, now_ms=NOW)
    assert await store.approvals.deny("a1", "bob", way="socket", note=note, now_ms=NOW)
    assert await audited(store) == [
        ("alice", "allowed", {"id": "a1", "minutes": 5, "way": "http", **why}),
        ("bob", "denied", {"id": "a1", "way": "socket", **why}),
    ]


async def test_the_audit_trail_keeps_why_a_grant_was_ended(store: SqliteStore) -> None:
    await asked(store)
    assert await store.approvals.allow("a1", "alice", way="sms", minutes=5, now_ms=NOW)
    assert await store.approvals.consume("a1", SHA, now_ms=NOW)
    assert await store.approvals.deny("a1", "alice", way="socket", note="enough", now_ms=NOW)
    assert (await audited(store))[-1] == ("alice", "grant_ended", {"id": "a1", "way": "socket", "note": "enough"})


async def test_the_audit_trail_keeps_that_a_yes_was_outdated_and_nothing_where_none_was(store: SqliteStore) -> None:
    approval = await asked(store)
    assert await store.approvals.suspend("a1", now_ms=NOW)
    await store.approvals.outdate(approval.session_id, now_ms=NOW)
    assert await audited(store) == [], "it is open still"
    assert await store.approvals.allow("a1", "alice", way="sms", now_ms=NOW)
    await store.approvals.outdate(SessionId("s2"), now_ms=NOW)
    for _ in range(2):
        await store.approvals.outdate(approval.session_id, now_ms=NOW + 1)
    (_, (actor, event, detail)) = await audited(store)
    assert (actor, event, detail) == ("supervisor", "outdated", {"id": "a1"})
    found = await store.approvals.find("a1")
    assert found is not None
    assert found.state is ApprovalState.WITHDRAWN


async def test_a_no_to_an_outdated_yes_ends_its_grant(store: SqliteStore) -> None:
    approval = await asked(store)
    assert await store.approvals.suspend("a1", now_ms=NOW)
    assert await store.approvals.allow("a1", "alice", way="sms", minutes=5, now_ms=NOW)
    await store.approvals.outdate(approval.session_id, now_ms=NOW)
    scope = (approval.user_id, approval.project, "Bash", "shell")
    assert await store.approvals.granted(*scope, now_ms=NOW)
    assert await store.approvals.deny("a1", "alice", way="sms", now_ms=NOW)
    assert not await store.approvals.granted(*scope, now_ms=NOW)


@pytest.mark.requirement(22)
async def test_an_expired_question_allows_nothing(store: SqliteStore) -> None:
    approval = await asked(store)
    assert await store.approvals.open_now(now_ms=NOW) == [approval]
    assert await store.approvals.find("a1") == approval
    assert await store.approvals.open_now(now_ms=LATER) == []
    assert not await store.approvals.allow("a1", "alice", way="sms", now_ms=LATER)
    assert await store.approvals.close("a1", ApprovalState.EXPIRED, now_ms=LATER)
    assert not await store.approvals.close("a1", ApprovalState.WITHDRAWN, now_ms=LATER)


async def test_the_same_call_is_asked_about_once(store: SqliteStore) -> None:
    approval = await asked(store)
    assert await store.approvals.ask(new(approval.turn_id, "a2"), question, now_ms=NOW) == approval
    await store.turns.finish(approval.turn_id, outcome())
    assert await store.approvals.ask(new(approval.turn_id, "a3"), question, now_ms=NOW) is None


async def test_a_later_start_allows_nothing_of_an_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "y.db"
    first = await open_store(path, seal=seal)
    approval = await asked(first)
    await first.close()
    second = await open_store(path, seal=seal)
    assert await second.approvals.find(approval.code) == approval
    assert await second.approvals.open_now(now_ms=NOW) == []
    assert not await second.approvals.allow("a1", "alice", way="sms", now_ms=NOW)
    await second.close()
