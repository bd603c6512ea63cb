"""The store: the only package that knows SQL. `open_database` opens an engine behind the `Store` port.

`ports/` and `records/` are what others use. The tables are grouped: `messages/` (T1, T2, T3, sessions, outbox),
`money/`, `people/` and `control/` (approvals, audit, changes, codes, keys); `sqlite/` and `postgres/` are the engines
below them.
"""

from __future__ import annotations

from supervisor.store.opening import open_database
from supervisor.store.port import Store
from supervisor.store.sqlite.store import SqliteStore, open_store, open_to_read

__all__ = ["SqliteStore", "Store", "open_database", "open_store", "open_to_read"]
