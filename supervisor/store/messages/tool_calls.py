"""The tool calls of the assistant's turns, with their results."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from supervisor.protocol.conversation import ToolFinished, ToolStarted
from supervisor.protocol.messages import MessageId
from supervisor.store.engine import Database, Reader
from supervisor.store.records.tool_call import StoredCall
from supervisor.store.transaction import Transaction, to_json

MAX_INPUT = 262_144
"""A longer input is not kept, in characters of JSON: its question, if there was one, has it whole."""

_START = """
    INSERT INTO tool_calls (turn_id, position, tool_use_id, name, input, reads, started_ms)
    SELECT id, (SELECT coalesce(max(position), 0) + 1 FROM tool_calls WHERE turn_id = turns.id), ?, ?, ?, ?, ?
    FROM turns WHERE id = ? AND state = 'running' AND epoch = ?
"""
_FINISH = """
    UPDATE tool_calls
    SET ended_ms = ?, failed = ?, result = ?, for_model = ?, title = ?, kind = ?, artifact = ?
    WHERE turn_id = ? AND tool_use_id = ? AND ended_ms IS NULL
      AND EXISTS (SELECT 1 FROM turns WHERE id = tool_calls.turn_id AND state = 'running' AND epoch = ?)
"""
_DELEGATED = """
    INSERT INTO delegations (turn_id, given_by)
    SELECT turn_id, ? FROM inbox WHERE message_id = ? ON CONFLICT DO NOTHING
"""
_OF_TURNS = """
    SELECT turn_id, tool_use_id, name, input, reads, started_ms, ended_ms, failed, result, for_model, title, kind,
           CASE WHEN ? = 1 THEN artifact END
    FROM tool_calls WHERE turn_id IN ({marks}) ORDER BY turn_id, position
"""


class SqlToolCalls:
    """`ToolCallStore` over a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def started(self, turn_id: int, call: ToolStarted, *, now_ms: int) -> None:
        """Add a call to a running turn."""
        given = to_json(call.input)
        if len(given) > MAX_INPUT:
            given = "{}"
        values = (call.tool_use_id, call.name, given, call.reads, now_ms, turn_id)
        await self._database.write(lambda tx: tx.execute(_START, (*values, tx.epoch)))

    async def finished(self, turn_id: int, call: ToolFinished, *, now_ms: int) -> None:
        """Add the result to a call of a running turn."""
        artifact = None if call.structured is None else to_json(call.structured)
        texts = (call.result, call.for_model, call.title, call.kind)

        def work(tx: Transaction) -> None:
            tx.execute(_FINISH, (now_ms, call.failed, *texts, artifact, turn_id, call.tool_use_id, tx.epoch))

        await self._database.write(work)

    async def delegated(self, turn_id: int, message_id: MessageId) -> None:
        """Note that a running turn gave Claude Code a task."""
        await self._database.write(lambda tx: tx.execute(_DELEGATED, (turn_id, message_id)))

    async def of_turns(self, turn_ids: Sequence[int], *, artifacts: bool = True) -> Mapping[int, Sequence[StoredCall]]:
        """Return the calls of some turns, in order, by the number of the turn."""
        return await self._database.read(lambda connection: calls_of_turns(connection, turn_ids, artifacts))


def calls_of_turns(connection: Reader, turn_ids: Sequence[int], artifacts: bool) -> Mapping[int, Sequence[StoredCall]]:
    """Return the calls of some turns, in order, by the number of the turn."""
    found: dict[int, list[StoredCall]] = {}
    if not turn_ids:
        return found
    marks = ", ".join("?" * len(turn_ids))
    for turn_id, *row in connection.execute(_OF_TURNS.format(marks=marks), (artifacts, *turn_ids)):
        found.setdefault(turn_id, []).append(_call(row))
    return found


def _call(row: Sequence[Any]) -> StoredCall:
    return StoredCall(
        tool_use_id=row[0],
        name=row[1],
        input=json.loads(row[2]),
        reads=bool(row[3]),
        started_ms=row[4],
        ended_ms=row[5],
        failed=bool(row[6]),
        result=row[7],
        for_model=row[8],
        title=row[9],
        kind=row[10],
        artifact=None if row[11] is None else json.loads(row[11]),
    )
