"""What programs report about the agents that they run: the newest of each owner, for some time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from supervisor.protocol.messages import UserId
from supervisor.protocol.times import DAY_MS
from supervisor.store.engine import Database, Reader
from supervisor.store.records.agents import (
    AgentConversation,
    AgentCounts,
    AgentMessage,
    AgentOperation,
    AgentOwner,
    AgentState,
)
from supervisor.store.transaction import Transaction

KEPT_MS = 30 * DAY_MS
"""How long a report is kept after the last one of its conversation."""

SILENT_MS = DAY_MS
"""A conversation without a report for so long has ended: its program is gone."""

MOST_CONVERSATIONS = 1_000
"""How many conversations of an owner are kept."""

MOST_MESSAGES = 1_000
"""How many messages of a conversation are kept."""

MOST_BYTES = 64 * 2**20
"""How many bytes the messages of an owner may take."""

MOST_STATES = 500
"""How many agents of an owner are known."""

MOST_OPERATIONS = 5_000
"""How many file operations of an owner are kept."""

_OWNED = "(CAST(:owner AS TEXT) IS NULL OR owner = :owner OR (:services = 1 AND user_id IS NULL))"
_COLUMNS = "number, id, user_id, agents, started_ms, last_ms, ended_ms, messages"
_START = """
    INSERT INTO agent_conversations (id, owner, user_id, agents, started_ms, last_ms) VALUES (?, ?, ?, ?, ?, ?)
"""
_END = """
    UPDATE agent_conversations
    SET ended_ms = coalesce(ended_ms, ?1), last_ms = CASE WHEN last_ms > ?1 THEN last_ms ELSE ?1 END
    WHERE owner = ?2 AND id = ?3
"""
_CURRENT = "SELECT id FROM agent_conversations WHERE owner = ? AND ended_ms IS NULL ORDER BY number DESC LIMIT 1"
_SAY = """
    UPDATE agent_conversations
    SET messages = messages + 1, bytes = bytes + ?1, last_ms = CASE WHEN last_ms > ?2 THEN last_ms ELSE ?2 END
    WHERE owner = ?3 AND id = ?4 RETURNING number
"""
_ADD_MESSAGE = """
    INSERT INTO agent_messages (conversation, agent, content, kind, message_id, at_ms) VALUES (?, ?, ?, ?, ?, ?)
"""
_TRIM_MESSAGES = """
    DELETE FROM agent_messages WHERE conversation = ?1 AND id <= (
        SELECT id FROM agent_messages WHERE conversation = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2
    ) RETURNING content
"""
_LESS = "UPDATE agent_conversations SET bytes = bytes - ? WHERE number = ?"
_TRIM_CONVERSATIONS = """
    DELETE FROM agent_conversations WHERE number IN (
        SELECT number FROM (
            SELECT number, row_number() OVER newest AS place, sum(bytes) OVER newest AS total
            FROM agent_conversations WHERE owner = ?1 WINDOW newest AS (ORDER BY number DESC)
        ) AS ranked WHERE place > ?2 OR (total > ?3 AND place > 1)
    )
"""
_SET_STATE = """
    INSERT INTO agent_states (owner, user_id, agent, state, at_ms) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (owner, agent) DO UPDATE SET state = excluded.state, at_ms = excluded.at_ms
"""
_TRIM_STATES = """
    DELETE FROM agent_states WHERE owner = ?1 AND agent IN (
        SELECT agent FROM agent_states WHERE owner = ?1 ORDER BY at_ms DESC, agent LIMIT 1000000000 OFFSET ?2
    )
"""
_ADD_OPERATION = """
    INSERT INTO agent_operations (id, owner, user_id, conversation, kind, path, before_hash, after_hash, before_size,
                                  after_size, at_ms)
    VALUES (?1, ?2, ?3, (SELECT number FROM agent_conversations WHERE owner = ?2 AND id = ?4), ?5, ?6, ?7, ?8, ?9, ?10,
            ?11)
    ON CONFLICT (owner, id) DO NOTHING
"""
_TRIM_OPERATIONS = """
    DELETE FROM agent_operations WHERE owner = ?1 AND number <= (
        SELECT number FROM agent_operations WHERE owner = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2
    )
"""
_ROLLED_BACK = "UPDATE agent_operations SET rolled_back_ms = coalesce(rolled_back_ms, ?) WHERE owner = ? AND id = ?"
_CONVERSATIONS = f"""
    SELECT {_COLUMNS} FROM agent_conversations WHERE {_OWNED} AND (CAST(:before AS BIGINT) IS NULL OR number < :before)
    ORDER BY number DESC LIMIT :limit
"""
_CONVERSATION = f"SELECT {_COLUMNS} FROM agent_conversations WHERE {_OWNED} AND id = :id"
_MESSAGES = """
    SELECT agent, content, kind, message_id, at_ms FROM agent_messages
    WHERE conversation = ? ORDER BY id DESC LIMIT ?
"""
_OPERATION_COLUMNS = "id, kind, path, before_hash, after_hash, before_size, after_size, at_ms, rolled_back_ms"
_OPERATIONS = f"""
    SELECT {_OPERATION_COLUMNS} FROM agent_operations
    WHERE {_OWNED} AND (CAST(:conversation AS BIGINT) IS NULL OR conversation = :conversation)
    ORDER BY number DESC LIMIT :limit
"""
_OPERATION = f"SELECT {_OPERATION_COLUMNS} FROM agent_operations WHERE {_OWNED} AND id = :id ORDER BY number DESC"
_STATES = f"SELECT agent, state, at_ms FROM agent_states WHERE {_OWNED} ORDER BY at_ms, agent"
_COUNTS = f"""
    SELECT count(*), count(*) FILTER (WHERE ended_ms IS NULL), coalesce(sum(messages), 0),
           (SELECT count(*) FROM agent_operations WHERE {_OWNED})
    FROM agent_conversations WHERE {_OWNED}
"""
_END_SILENT = "UPDATE agent_conversations SET ended_ms = last_ms WHERE ended_ms IS NULL AND last_ms < ?"
_FORGET = (
    "DELETE FROM agent_conversations WHERE last_ms < ?",
    "DELETE FROM agent_operations WHERE at_ms < ?",
    "DELETE FROM agent_states WHERE at_ms < ?",
)


def forget_agents(tx: Transaction, before_ms: int) -> None:
    """End the conversations that were silent for `SILENT_MS`; delete the reports that are older than `KEPT_MS`."""
    tx.execute(_END_SILENT, (before_ms - SILENT_MS,))
    for sql in _FORGET:
        tx.execute(sql, (before_ms - KEPT_MS,))


def _record(tx: Transaction, owner: AgentOwner, event: str, detail: Mapping[str, object], now_ms: int) -> None:
    """Leave an entry about what a program reports; texts of its agents stay out of the trail."""
    tx.record(owner.user_id or owner.key, event, {**detail, "channel": "http", "from": owner.source}, now_ms)


class SqlAgents:
    """`AgentStore` over a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def start(self, owner: AgentOwner, conversation_id: str, agents: Sequence[str], *, now_ms: int) -> None:
        """Start a conversation."""
        names = json.dumps(list(agents), ensure_ascii=False)

        def work(tx: Transaction) -> None:
            tx.point("agents")
            tx.execute(_START, (conversation_id, owner.key, owner.user_id, names, now_ms, now_ms))
            _record(tx, owner, "agents.started", {"conversation": conversation_id}, now_ms)
            tx.execute(_TRIM_CONVERSATIONS, (owner.key, MOST_CONVERSATIONS, MOST_BYTES))

        await self._database.write(work)

    async def end(self, owner: AgentOwner, conversation_id: str, *, now_ms: int) -> bool:
        """End a conversation; False = the owner has none of this id."""
        values, detail = (now_ms, owner.key, conversation_id), {"conversation": conversation_id}
        return await self._write(_END, values, owner, "agents.ended", detail, now_ms)

    async def current(self, owner: AgentOwner) -> str | None:
        """Return the id of the newest conversation of an owner that goes on, or None."""
        row = await self._one(_CURRENT, (owner.key,))
        return None if row is None else str(row[0])

    async def say(self, owner: AgentOwner, conversation_id: str, message: AgentMessage) -> bool:
        """Add a message; False = the owner has no conversation of this id."""
        size = _size(message.content)

        def work(tx: Transaction) -> bool:
            tx.point("agents")
            row = tx.one(_SAY, (size, message.at_ms, owner.key, conversation_id))
            if row is None:
                return False
            (number,) = row
            values = (message.agent, message.content, message.kind, message.message_id, message.at_ms)
            tx.execute(_ADD_MESSAGE, (number, *values))
            gone = sum(_size(content) for (content,) in tx.execute(_TRIM_MESSAGES, (number, MOST_MESSAGES)).fetchall())
            tx.execute(_LESS, (gone, number))
            detail = {"conversation": conversation_id, "agent": message.agent, "bytes": size}
            _record(tx, owner, "agents.said", detail, message.at_ms)
            tx.execute(_TRIM_CONVERSATIONS, (owner.key, MOST_CONVERSATIONS, MOST_BYTES))
            return True

        return await self._database.write(work)

    async def set_state(self, owner: AgentOwner, state: AgentState) -> None:
        """Replace the state of an agent."""

        def work(tx: Transaction) -> None:
            tx.point("agents")
            tx.execute(_SET_STATE, (owner.key, owner.user_id, state.agent, state.state, state.at_ms))
            tx.execute(_TRIM_STATES, (owner.key, MOST_STATES))
            _record(tx, owner, "agents.state", {"agent": state.agent, "state": state.state}, state.at_ms)

        await self._database.write(work)

    async def add_operation(self, owner: AgentOwner, operation: AgentOperation, conversation_id: str | None) -> None:
        """Add a file operation; the same id twice changes nothing."""
        names = (operation.id, owner.key, owner.user_id, conversation_id, operation.kind, operation.path)
        hashes = (operation.before_hash, operation.after_hash, operation.before_size, operation.after_size)

        def work(tx: Transaction) -> None:
            tx.point("agents")
            if tx.changed(_ADD_OPERATION, (*names, *hashes, operation.at_ms)):
                detail = {"operation": operation.id, "kind": operation.kind, "path": operation.path}
                _record(tx, owner, "agents.changed", detail, operation.at_ms)
            tx.execute(_TRIM_OPERATIONS, (owner.key, MOST_OPERATIONS))

        await self._database.write(work)

    async def rolled_back(self, owner: AgentOwner, operation_id: str, *, now_ms: int) -> bool:
        """Note that a program has taken an operation back; False = the owner has none of this id."""
        values, detail = (now_ms, owner.key, operation_id), {"operation": operation_id}
        return await self._write(_ROLLED_BACK, values, owner, "agents.rolled_back", detail, now_ms)

    async def _write(
        self,
        sql: str,
        values: tuple[object, ...],
        owner: AgentOwner,
        event: str,
        detail: Mapping[str, object],
        now: int,
    ) -> bool:
        def work(tx: Transaction) -> bool:
            tx.point("agents")
            if not tx.changed(sql, values):
                return False
            _record(tx, owner, event, detail, now)
            return True

        return await self._database.write(work)

    async def conversations(
        self, owner: AgentOwner | None, *, limit: int, before: int | None = None
    ) -> list[AgentConversation]:
        """Return conversations, newest first."""
        rows = await self._all(_CONVERSATIONS, {**_whose(owner), "limit": limit, "before": before})
        return [_conversation(row) for row in rows]

    async def conversation(self, owner: AgentOwner | None, conversation_id: str) -> AgentConversation | None:
        """Return a conversation; None = the owner has none of this id."""
        row = await self._one(_CONVERSATION, {**_whose(owner), "id": conversation_id})
        return None if row is None else _conversation(row)

    async def messages(self, number: int, *, limit: int) -> list[AgentMessage]:
        """Return the newest messages of a conversation, oldest first."""
        rows = await self._all(_MESSAGES, (number, limit))
        return [
            AgentMessage(agent=agent, content=content, kind=kind, message_id=message_id, at_ms=at_ms)
            for agent, content, kind, message_id, at_ms in reversed(rows)
        ]

    async def operations(
        self, owner: AgentOwner | None, *, number: int | None = None, limit: int
    ) -> list[AgentOperation]:
        """Return file operations, newest first; with a number only those of this conversation."""
        rows = await self._all(_OPERATIONS, {**_whose(owner), "conversation": number, "limit": limit})
        return [_operation(row) for row in rows]

    async def operation(self, owner: AgentOwner | None, operation_id: str) -> AgentOperation | None:
        """Return a file operation; None = the owner has none of this id."""
        row = await self._one(_OPERATION, {**_whose(owner), "id": operation_id})
        return None if row is None else _operation(row)

    async def states(self, owner: AgentOwner | None) -> list[AgentState]:
        """Return the states of agents, the newest last."""
        rows = await self._all(_STATES, _whose(owner))
        return [AgentState(agent=agent, state=state, at_ms=at_ms) for agent, state, at_ms in rows]

    async def counts(self, owner: AgentOwner | None) -> AgentCounts:
        """Return how much there is."""
        row = await self._one(_COUNTS, _whose(owner))
        assert row is not None, "a count has a row"
        return AgentCounts(conversations=row[0], active=row[1], messages=row[2], operations=row[3])

    async def _one(self, sql: str, values: Any) -> tuple[Any, ...] | None:
        def work(connection: Reader) -> tuple[Any, ...] | None:
            row: tuple[Any, ...] | None = connection.execute(sql, values).fetchone()
            return row

        return await self._database.read(work)

    async def _all(self, sql: str, values: Any) -> list[tuple[Any, ...]]:
        return await self._database.read(lambda connection: connection.execute(sql, values).fetchall())


def _whose(owner: AgentOwner | None) -> dict[str, Any]:
    """Return the parameters of `_OWNED`."""
    return {"owner": owner and owner.key, "services": owner is not None and owner.reads_services}


def _size(content: str) -> int:
    return len(content.encode("utf-8", "surrogatepass"))


def _conversation(row: tuple[Any, ...]) -> AgentConversation:
    number, conversation_id, user_id, agents, started_ms, last_ms, ended_ms, messages = row
    return AgentConversation(
        number=number,
        id=conversation_id,
        user_id=UserId(user_id) if user_id is not None else None,
        agents=json.loads(agents),
        started_ms=started_ms,
        last_ms=last_ms,
        ended_ms=ended_ms,
        messages=messages,
    )


def _operation(row: tuple[Any, ...]) -> AgentOperation:
    operation_id, kind, path, before_hash, after_hash, before_size, after_size, at_ms, rolled_back_ms = row
    return AgentOperation(
        id=operation_id,
        kind=kind,
        path=path,
        before_hash=before_hash,
        after_hash=after_hash,
        before_size=before_size,
        after_size=after_size,
        at_ms=at_ms,
        rolled_back=rolled_back_ms is not None,
    )
