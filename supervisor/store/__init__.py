"""The store: the only place that knows SQL. `open_store` opens the engine behind the `Store` port."""

from __future__ import annotations

from supervisor.store.port import Store
from supervisor.store.store import SqliteStore, open_store

__all__ = ["SqliteStore", "Store", "open_store"]
