"""Messages, replies and dropped messages, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from supervisor.protocol.messages import MessageId, OutboxId
from supervisor.protocol.status import Target, TurnState
from supervisor.store.control.dropped import DROPPED, to_dropped
from supervisor.store.engine import Database
from supervisor.store.ports.audit import DroppedMessage
from supervisor.store.ports.lists.lists import BEGINNING, FAILED, ListedMessage, ListFilter
from supervisor.store.records.outbox import OutboxRow
from supervisor.store.rows import OUTBOX, to_outbox_row

MESSAGES = f"""
    SELECT i.message_id, t.user_id, s.id, t.project, t.channel, t.target, t.state,
           substr(coalesce(i.body, m.message), 1, {BEGINNING}), t.accepted_ms, t.started_ms, t.ended_ms,
           EXISTS (SELECT 1 FROM approvals AS a WHERE a.turn_id = t.id AND a.state = 'open')
    FROM inbox AS i
    JOIN turns AS t ON t.id = i.turn_id
    LEFT JOIN claude_code_messages AS m ON m.seq = 2 * t.id
    LEFT JOIN claude_code_sessions AS s ON s.number = t.session
"""
_BEFORE_MESSAGE = "i.id < (SELECT id FROM inbox WHERE message_id = :before)"
_BEFORE_REPLY = "o.number < (SELECT number FROM outbox WHERE id = :before)"

# Few turns and replies are in these states, and partial indexes lead to them; else the table is read from its end.
_RARE_TURNS = {
    TurnState.PENDING: "t.id IN (SELECT id FROM turns WHERE state = 'pending')",
    TurnState.RUNNING: "t.id IN (SELECT id FROM turns WHERE state = 'running')",
}
_UNSENT = "o.number IN (SELECT number FROM outbox INDEXED BY outbox_line WHERE state IN ('pending', 'sending'))"
_FAILED = """
    o.number IN (SELECT number FROM outbox INDEXED BY outbox_failed WHERE state = 'undelivered' OR state = 'dead')
"""
_RARE_REPLIES = {
    "pending": f"{_UNSENT} AND o.state = 'pending'",
    "sending": f"{_UNSENT} AND o.state = 'sending'",
    "undelivered": f"{_FAILED} AND o.state = 'undelivered'",
    "dead": f"{_FAILED} AND o.state = 'dead'",
    FAILED: _FAILED,
}


class SqlLists:
    """`ListStore` over a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def messages(self, where: ListFilter, *, before: MessageId | None, limit: int) -> list[ListedMessage]:
        """Return accepted messages, newest first."""
        conditions = {
            "user_id": "t.user_id = :user_id",
            "channel": "t.channel = :channel",
            "project": "t.project = :project",
            "state": _RARE_TURNS.get(TurnState(where.state), "t.state = :state") if where.state else "",
        }
        query, values = _query(MESSAGES, where, conditions, _BEFORE_MESSAGE, "i.id DESC", before, limit)
        return await self._database.scan(
            lambda connection: [_message(row) for row in connection.execute(query, values)]
        )

    async def replies(self, where: ListFilter, *, before: OutboxId | None, limit: int) -> list[OutboxRow]:
        """Return replies, newest first."""
        conditions = {
            "user_id": "o.user_id = :user_id",
            "channel": "o.channel = :channel",
            "state": _RARE_REPLIES.get(str(where.state), "o.state = :state"),
        }
        query, values = _query(OUTBOX, where, conditions, _BEFORE_REPLY, "o.number DESC", before, limit)
        return await self._database.scan(
            lambda connection: [to_outbox_row(row) for row in connection.execute(query, values)]
        )

    async def dropped(self, channel: str, *, before: int | None, limit: int) -> list[DroppedMessage]:
        """Return dropped messages, newest first."""
        conditions = {"channel": "channel = :channel"}
        where = ListFilter(channel=channel)
        query, values = _query(DROPPED, where, conditions, "id < :before", "id DESC", before, limit)
        return await self._database.scan(
            lambda connection: [to_dropped(row) for row in connection.execute(query, values)]
        )


def _query(
    select: str,
    where: ListFilter,
    conditions: Mapping[str, str],
    behind: str,
    order: str,
    before: MessageId | OutboxId | int | None,
    limit: int,
) -> tuple[str, dict[str, Any]]:
    """Return a query with those conditions whose value is given, and its parameters."""
    given = {name: getattr(where, name) for name in conditions}
    given = {name: str(value) for name, value in given.items() if value}
    wanted = [conditions[name] for name in given]
    if before is not None:
        wanted.append(behind)
    condition = f" WHERE {' AND '.join(wanted)}" if wanted else ""
    return f"{select}{condition} ORDER BY {order} LIMIT :limit", given | {"before": before, "limit": limit}


def _message(row: tuple[Any, ...]) -> ListedMessage:
    return ListedMessage(
        message_id=row[0],
        user_id=row[1],
        session_id=row[2],
        project=row[3],
        channel=row[4],
        target=Target(row[5]),
        state=TurnState(row[6]),
        text=row[7] or "",
        accepted_ms=row[8],
        started_ms=row[9],
        ended_ms=row[10],
        is_asked=bool(row[11]),
    )
