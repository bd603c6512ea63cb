"""A turn as the store gives it, for tests that need one and no store."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from supervisor.protocol.messages import Address, MessageId, ProjectName, Reply, SessionId, UserId
from supervisor.protocol.status import Target, TurnState
from supervisor.store.records.turn import Turn

PHONE = Reply(channel="sms", to=Address(kind="sms", value="+15005550001"))

_TURN = Turn(
    id=1,
    message_id=MessageId("m1"),
    lane="s1",
    target=Target.CLAUDE_CODE,
    reason="keyword fix",
    state=TurnState.RUNNING,
    user_id=UserId("ada"),
    session_id=SessionId("s1"),
    project=ProjectName("site"),
    exclusive=True,
    channel="sms",
    thread="",
    text="fix it",
    note="",
    context=None,
    reply=PHONE,
    accepted_ms=0,
)


def turn(**changes: Any) -> Turn:
    """Return a running turn of Claude Code that came by text message, with some fields changed."""
    return replace(_TURN, **changes)
