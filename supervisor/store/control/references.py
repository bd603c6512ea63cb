"""The references under which models know people, in each conversation."""

from __future__ import annotations

import json
from collections.abc import Sequence

from supervisor.store.engine import Database, Reader
from supervisor.store.ports.cluster.notices import Topic
from supervisor.store.records.tool_call import Reference
from supervisor.store.transaction import Transaction

_KNOWN = "SELECT reference, person, name, seq FROM tool_references WHERE scope = ? AND seq > ? ORDER BY seq"
_ADD = "INSERT INTO tool_references (scope, reference, person, name) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_FORGET = "DELETE FROM tool_references WHERE scope = ?"


class SqlReferences:
    """`ReferenceStore` over a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def known(self, scope: str, *, after: int = 0) -> list[Reference]:
        """Return the references of a conversation, in the order in which they were added."""

        def work(connection: Reader) -> list[Reference]:
            rows = connection.execute(_KNOWN, (scope, after)).fetchall()
            return [Reference(reference=row[0], person=json.loads(row[1]), name=row[2], seq=row[3]) for row in rows]

        return await self._database.read(work)

    async def add(self, scope: str, references: Sequence[Reference]) -> None:
        """Add references to a conversation; one that is there already changes nothing."""

        def work(tx: Transaction) -> None:
            for one in references:
                tx.execute(_ADD, (scope, one.reference, json.dumps(one.person), one.name))
            tx.notify(Topic.PEOPLE, scope)

        await self._database.write(work)

    async def forget(self, scope: str) -> None:
        """Delete the references of a conversation."""
        await self._database.write(lambda tx: tx.changed(_FORGET, (scope,)))
