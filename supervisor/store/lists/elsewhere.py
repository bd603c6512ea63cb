"""What other nodes do with turns and accounts: rows of other epochs."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

from supervisor.protocol.messages import MessageId, UserId
from supervisor.store.control.stops import STOPPED, stop_running
from supervisor.store.engine import Database, Reader
from supervisor.store.people.version import accounts_version
from supervisor.store.records.turn import Turn
from supervisor.store.rows import TURNS, to_turn
from supervisor.store.transaction import Transaction, to_json

_ENDED = """
    SELECT i.message_id FROM inbox AS i JOIN turns AS t ON t.id = i.turn_id
    WHERE i.message_id IN (SELECT value FROM json_each(:message_ids)) AND t.ended_ms IS NOT NULL AND t.epoch <> :epoch
"""
_RUNNING = f"""
    {TURNS} WHERE t.id IN (SELECT id FROM turns INDEXED BY turns_running WHERE state = 'running')
      AND t.epoch <> :epoch AND t.user_id = :user_id ORDER BY t.id
"""
_OF_LANE = f"{TURNS} WHERE t.lane = ? AND t.state = 'running' AND t.epoch <> ?"
_STOPPED = """
    SELECT t.id, coalesce(min(e.payload), '')
    FROM turns AS t LEFT JOIN events AS e ON e.turn_id = t.id AND e.kind = :kind
    WHERE t.id IN (SELECT CAST(value AS BIGINT) FROM json_each(:turn_ids)) AND t.state = 'running'
      AND (e.turn_id IS NOT NULL OR t.superseded_by IS NOT NULL)
    GROUP BY t.id
"""


class SqlElsewhere:
    """`ElsewhereStore` over a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ended(self, message_ids: Collection[str]) -> Sequence[MessageId]:
        """Return those of some messages that have ended on another node."""
        if not message_ids:
            return ()
        values = {"message_ids": to_json(sorted(message_ids)), "epoch": self._database.epoch}
        return await self._database.read(
            lambda connection: [MessageId(found) for (found,) in connection.execute(_ENDED, values)]
        )

    async def running(self, user_id: UserId) -> Sequence[Turn]:
        """Return the turns of a user that run on other nodes, oldest first."""
        values = {"user_id": user_id, "epoch": self._database.epoch}
        return await self._database.read(
            lambda connection: [to_turn(row) for row in connection.execute(_RUNNING, values)]
        )

    async def stop(self, lane: str, by: str, *, now_ms: int) -> Turn | None:
        """Note that the running turn of a lane is to end; its node hears of it."""

        def work(tx: Transaction) -> Turn | None:
            row = tx.one(_OF_LANE, (lane, tx.epoch))
            if row is None:
                return None
            stop_running(tx, lane, by, now_ms)
            return to_turn(row)

        values = (lane, self._database.epoch)
        if await self._database.read(lambda connection: connection.execute(_OF_LANE, values).fetchone()) is None:
            return None  # as always where a node is alone: a stop waits for no write
        return await self._database.write(work)

    async def stopped(self, turn_ids: Collection[int]) -> Mapping[int, str]:
        """Return which of some running turns somebody has stopped or replaced, and who."""
        if not turn_ids:
            return {}
        values = {"turn_ids": to_json(sorted(turn_ids)), "kind": STOPPED}

        def work(connection: Reader) -> Mapping[int, str]:
            found = connection.execute(_STOPPED, values)
            return {turn_id: str(json.loads(payload)["by"]) if payload else "" for turn_id, payload in found}

        return await self._database.read(work)

    async def accounts_version(self) -> int:
        """Return a number that grows with each change of users, tokens and sign-ins."""
        return await self._database.read(accounts_version)
