"""The state that the stand-in for the daemon keeps over a restart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from supervisor.protocol.events import Event
from supervisor.protocol.ids import uuid7
from supervisor.protocol.status import SessionStatus, TurnState
from supervisor.protocol.times import now_ms, rfc3339

Json = dict[str, Any]


@dataclass
class Records:
    """In memory: sessions, messages, users, tokens, costs."""

    sessions: dict[str, Json] = field(default_factory=dict)
    histories: dict[str, list[Json]] = field(default_factory=dict)
    answers: dict[str, Event] = field(default_factory=dict)
    users: dict[str, Json] = field(default_factory=dict)
    tokens: dict[str, Json] = field(default_factory=dict)
    prompts: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    without_node: list[str] = field(default_factory=list)
    audit: list[Json] = field(default_factory=list)
    dropped: list[Json] = field(default_factory=list)
    tampered: str | None = None
    costs: list[Json] = field(default_factory=list)
    budgets: list[Json] = field(default_factory=list)

    def add_session(self, session_id: str, user_id: str = "alice", path: str = "/srv/website", **other: Any) -> None:
        now = rfc3339(now_ms() - 125_000)
        self.sessions[session_id] = {
            "session_id": session_id,
            "user_id": user_id,
            "project_path": path,
            "status": SessionStatus.ACTIVE,
            "cost_usd": 0.000123,
            "message_count": 2,
            "duration_seconds": 125,
            "started_at": now,
            "last_activity": now,
            "ended_at": None,
            "kind": "claude_code",
            **other,
        }
        self.histories[session_id] = []

    def add_message(self, session_id: str, direction: str, text: str, **other: Any) -> str:
        message_id = uuid7()
        row = {
            "id": message_id,
            "direction": direction,
            "message": text,
            "timestamp": rfc3339(now_ms()),
            "cost_usd": 0.0123 if direction == "from_claude" else None,
            "status": TurnState.COMPLETED,
            "context": None,
            **other,
        }
        self.histories[session_id].append(row)
        return message_id
