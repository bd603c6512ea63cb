"""Leaves an entry in the audit trail where config.toml has changed since the last start."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from supervisor.config import Config
from supervisor.protocol.times import now_ms
from supervisor.store.ports.audit import AuditEntry, AuditFilter, AuditStore
from supervisor.store.ports.keys import IdempotencyStore
from supervisor.store.transaction import Seal

CONFIG = "config"
"""What the events begin with."""

READ = f"{CONFIG}.read"
"""The first start, or the first one of which an entry is left."""

CHANGED = f"{CONFIG}.changed"
"""A start with another configuration than the one before."""

NOTED = "configuration"
"""The mark that holds the number of the last entry."""

DIGEST_BYTES = 8
"""Of a digest as much as tells whether a table is the same, in bytes."""


async def note_configuration(config: Config, audit: AuditStore, keys: IdempotencyStore, seal: Seal) -> None:
    """Record which tables of config.toml are not as at the last start; where all are, nothing.

    An entry names tables and keeps a digest of each, never a value. The digests are sealed with the key of the trail:
    nobody without it can try what a value may be.

    Raises:
        StorageError: it could not be recorded.
    """
    digests = {name: seal(b"config", text.encode())[:DIGEST_BYTES].hex() for name, text in _tables(config)}
    last = await _last(audit, keys)
    before = last.detail["digests"] if last is not None else {}
    changed = sorted(name for name in digests.keys() | before.keys() if digests.get(name) != before.get(name))
    if last is not None and not changed:
        return
    detail = {"from": "config.toml", "tables": changed, "digests": digests}
    await audit.record("supervisor", READ if last is None else CHANGED, detail, now_ms=now_ms())
    for entry in await audit.newest(before=None, limit=1, where=AuditFilter(event=CONFIG)):
        await keys.set_mark(NOTED, entry.seq)


async def _last(audit: AuditStore, keys: IdempotencyStore) -> AuditEntry | None:
    """Return the last entry about the configuration, found by its number: a search would read the whole trail."""
    number = await keys.get_mark(NOTED)
    found = await audit.entries(after=number - 1, limit=1) if number is not None else []
    return next((entry for entry in found if entry.event in (READ, CHANGED)), None)


def _tables(config: Config) -> Iterator[tuple[str, str]]:
    """Yield each table that sets something: its name, and what it sets, as text that begins with the name."""
    for item in fields(config):
        if not _is_given(config, item):
            continue
        value = getattr(config, item.name)
        tables = {f"{item.name}.{name}": table for name, table in value.items()} if isinstance(value, dict) else {}
        for name, table in (tables or {item.name: value}).items():
            yield name, json.dumps([name, _given(table)], sort_keys=True, default=str)


def _given(value: Any) -> Any:
    """Return what differs from the defaults: a new version, which adds a key, changes no configuration."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: _given(getattr(value, item.name)) for item in fields(value) if _is_given(value, item)}
    if isinstance(value, dict):
        return {str(key): _given(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_given(each) for each in value]
    return value


def _is_given(table: Any, item: Any) -> bool:
    default = item.default_factory() if item.default_factory is not MISSING else item.default
    return bool(getattr(table, item.name) != default)
