"""Values that the store's tests hand in: every field has a plausible default."""

from __future__ import annotations

import hmac
from typing import Any

from supervisor.protocol.conversation import ProcessIdentity, Tokens
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import Address, MessageId, OutboxId, ProjectName, Reply, SessionId, UserId
from supervisor.protocol.status import SessionStatus, Target, TurnState
from supervisor.store.cluster.nodes import ADD, row_of
from supervisor.store.engine import Database
from supervisor.store.port import Store
from supervisor.store.ports.cluster.nodes import NewNode
from supervisor.store.records.acceptance import Acceptance
from supervisor.store.records.charge import Charge
from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.records.outcome import Outcome
from supervisor.store.records.session import NewSession
from supervisor.store.records.turn import Turn
from supervisor.store.store import SqlStore

NOW = 1_763_690_400_123
"""2025-11-21T02:00:00.123Z."""
DAY = NOW // 86_400_000
PHONE = Address(kind="sms", value="+491701234567")
PROCESS = ProcessIdentity(pid=4242, started=99, boot_id="0b5c6a0e-0000-4000-8000-000000000001")
REPLY = Reply(channel="sms", to=PHONE, account="+15550100", meta={"subject": "grüße"})


def seal(previous: bytes, content: bytes) -> bytes:
    """Seal audit rows with a key that is no secret."""
    return hmac.digest(b"a key for tests", previous + content, "sha256")


def new_session(session_id: str = "s1", **fields: Any) -> NewSession:
    """Return a session of alice in the project `shop`."""
    return NewSession(
        **{
            "id": SessionId(session_id),
            "user_id": UserId("alice"),
            "project": ProjectName("shop"),
            "project_path": "/srv/shop",
            "conversation_id": "1c9f3a52-8f5e-4e0b-9a52-0a5d3f1f7c11",
            **fields,
        }
    )


def prompt(session_id: str = "s1", **fields: Any) -> Acceptance:
    """Return a prompt for a Claude Code session."""
    return Acceptance(
        **{
            "message_id": MessageId(uuid7()),
            "channel": "sms",
            "account": "+15550100",
            "dedup_key": None,
            "digest": "d1",
            "user_id": UserId("alice"),
            "sender": PHONE,
            "text": "run the tests",
            "target": Target.CLAUDE_CODE,
            "reason": "keyword 'tests'",
            "lane": session_id,
            "session_id": SessionId(session_id),
            "project": ProjectName("shop"),
            "reply": REPLY,
            "now_ms": NOW,
            **fields,
        }
    )


def question(**fields: Any) -> Acceptance:
    """Return a message for the assistant."""
    return prompt(
        **{
            "target": Target.ASSISTANT,
            "reason": "no keyword",
            "lane": "assistant/alice/sms",
            "session_id": None,
            "project": ProjectName(""),
            "text": "what is the weather",
            **fields,
        }
    )


def charge(ref: str = "call-1", nanos: int | None = 1_000, **fields: Any) -> Charge:
    """Return a model's charge of 10 input and 5 output tokens."""
    return Charge(
        **{
            "ref": ref,
            "kind": "model",
            "model": "claude-sonnet",
            "tokens": Tokens(input=10, output=5),
            "nanos": nanos,
            **fields,
        }
    )


def outcome(state: TurnState = TurnState.COMPLETED, **fields: Any) -> Outcome:
    """Return how a turn ended."""
    return Outcome(**{"state": state, "answer": "42 passed", "stop_reason": "end_turn", "now_ms": NOW + 5, **fields})


def draft(outbox_id: str = "", text: str | None = "hello", **fields: Any) -> OutboxDraft:
    """Return a reply by SMS."""
    return OutboxDraft(**{"id": OutboxId(outbox_id or uuid7()), "reply": REPLY, "text": text, **fields})


async def with_session(store: Store, session_id: str = "s1", **fields: Any) -> None:
    """Create a session that is active."""
    await store.sessions.create(new_session(session_id, **fields), status=SessionStatus.ACTIVE, now_ms=NOW)


async def running(store: Store, acceptance: Acceptance) -> Turn:
    """Accept a message and start its turn."""
    await store.turns.accept(acceptance)
    turn = await store.turns.start_next(acceptance.lane, PROCESS, now_ms=NOW)
    assert turn is not None
    return turn


OTHER = NewNode(name="other", seat="elsewhere")


async def revive(store: Store, epoch: int) -> None:
    """Let the node of an epoch live; its name is that of `OTHER`."""
    await engine(store).write(lambda tx: tx.execute(ADD, row_of(OTHER, epoch, 0)).rowcount)


async def end_node(store: Store, epoch: int) -> None:
    """End the node of an epoch, as another node does whose store this is."""
    await engine(store).write(lambda tx: tx.execute("DELETE FROM nodes WHERE epoch = ?", (epoch,)).rowcount)


def engine(store: Store) -> Database:
    """Return the database behind a store."""
    assert isinstance(store, SqlStore)
    return store._database
