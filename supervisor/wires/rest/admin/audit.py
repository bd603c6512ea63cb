"""Admin: the audit trail."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query

from supervisor.protocol.errors import InvalidMessage
from supervisor.protocol.times import DAY_MS, parse_day, rfc3339
from supervisor.store.ports.audit import AuditEntry, AuditFilter, AuditStore
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
        """Verify the chain of the audit trail; only anchors show whether its end was cut off.

        `first` and `entries` are the numbers of the oldest and of the newest entry; 0 = there is none.
        """
        problem = await self._audit.verify()
        return {"problem": problem, "first": await self._audit.first(), "entries": await self._audit.last()}

    async def audit_entries(
        self,
        after: Annotated[int, Path(ge=0, le=MAX_ROW_ID)],
        since: str | None = None,
        until: str | None = None,
        actor: Annotated[str, Query(max_length=256)] = "",
        event: Annotated[str, Query(max_length=64)] = "",
        limit: Annotated[int, Query(ge=1, le=PAGE)] = PAGE,
    ) -> dict[str, Any]:
        """Return a page of entries after a sequence number; an empty list = there are no more.

        `since` and `until` are UTC days or RFC 3339 times, which count as their day; `event` "turn" also means
        "turn.completed".
        """
        where = AuditFilter(
            since_ms=day_ms("since", since), until_ms=day_ms("until", until, up=True), actor=actor, event=event
        )
        found = await self._audit.entries(after=after, limit=limit, where=where)
        return {"entries": [shown(entry) for entry in found]}


def day_ms(field: str, text: str | None, *, up: bool = False) -> int | None:
    """Return the beginning of a day in milliseconds UTC; None = no day is given."""
    if text is None:
        return None
    try:
        return parse_day(text, up=up) * DAY_MS
    except (ValueError, OverflowError):
        raise InvalidMessage(field, "must be a date YYYY-MM-DD or an RFC 3339 time") from None


def shown(entry: AuditEntry) -> dict[str, Any]:
    """Return an entry as the wire shows it."""
    return {
        "seq": entry.seq,
        "at": rfc3339(entry.at_ms),
        "epoch": entry.epoch,
        "actor": entry.actor,
        "event": entry.event,
        "detail": entry.detail,
        "mac": entry.mac.hex(),
    }
