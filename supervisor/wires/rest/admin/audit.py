"""Admin: the audit trail."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path

from supervisor.protocol.times import rfc3339
from supervisor.store.ports.audit import AuditEntry, AuditStore
from supervisor.wires.rest.resource import MAX_ROW_ID, Endpoint

PAGE = 1_000
"""Most entries of one answer."""


class AuditRoutes:
    """The routes of the audit trail."""

    def __init__(self, audit: AuditStore) -> None:
        self._audit = audit

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [
            Endpoint("GET", "/audit/verify", self.verify_audit),
            Endpoint("GET", "/audit/entries/{after}", self.audit_entries),
        ]

    async def verify_audit(self) -> dict[str, Any]:
        """Verify the chain of the audit trail; only the number of entries shows whether its end was cut off."""
        return {"problem": await self._audit.verify(), "entries": await self._audit.last()}

    async def audit_entries(self, after: Annotated[int, Path(ge=0, le=MAX_ROW_ID)]) -> dict[str, Any]:
        """Return at most a thousand entries after a sequence number; an empty list = there are no more."""
        found = await self._audit.entries(after=after, limit=PAGE)
        return {"entries": [_entry(entry) for entry in found]}


def _entry(entry: AuditEntry) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "at": rfc3339(entry.at_ms),
        "epoch": entry.epoch,
        "actor": entry.actor,
        "event": entry.event,
        "detail": entry.detail,
        "mac": entry.mac.hex(),
    }
