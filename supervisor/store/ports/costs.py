"""What is asked about sums, and a sum."""

from __future__ import annotations

from dataclasses import dataclass

from supervisor.protocol.messages import SessionId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """A total: of one key, or of everything."""

    key: str
    cost_nanos: int
    message_count: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CostQuery:
    """Which charges to add up; days are UTC days since 1970, `until_day` excluded.

    Attributes:
        group_by: "user", "session", "day", "channel", "model", or None for the total alone.
    """

    user_id: UserId | None = None
    session_id: SessionId | None = None
    since_day: int | None = None
    until_day: int | None = None
    group_by: str | None = None
    limit: int = 500
