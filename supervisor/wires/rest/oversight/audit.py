"""REST: the audit trail for administrators: read, verified, and saved as a file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import Depends, Query
from starlette.responses import StreamingResponse

from supervisor.people.identity import Directory
from supervisor.protocol.limits import Between, Shaped
from supervisor.protocol.times import DAY_OR_TIME, Clock, now_ms
from supervisor.protocol.values.record import record
from supervisor.store.ports.audit import AuditEntry, AuditFilter, AuditStore
from supervisor.wires.http.auth import Calling
from supervisor.wires.http.download import HEADERS, disposition
from supervisor.wires.rest.admin.audit import day_ms, shown
from supervisor.wires.rest.oversight.rights import administrators
from supervisor.wires.rest.resource import MAX_ROW_ID, Endpoint, Limit

PAGE = 1_000
"""How many entries a file is read from the store at once."""

COLUMNS = ("seq", "at", "actor", "event", "detail", "epoch", "mac")

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""

Day = Annotated[str | None, Query(min_length=10, max_length=40), Shaped(DAY_OR_TIME)]
Place = Annotated[int, Between(0, MAX_ROW_ID)]


@record
class AuditPage:
    """Entries of the audit trail; `next` is the `from` of the next page, null = there is none."""

    entries: Sequence[Mapping[str, Any]]
    next: int | None


@record
class AuditVerdict:
    """Whether the chain of the trail is intact: `problem` is empty, or names the first bad entry.

    `first` and `last` are the numbers of the oldest and of the newest entry; 0 = there is none.
    """

    problem: str
    first: int
    last: int


def _where(
    since: Day = None,
    until: Day = None,
    actor: Annotated[str, Query(max_length=256)] = "",
    event: Annotated[str, Query(max_length=64)] = "",
) -> AuditFilter:
    return AuditFilter(
        since_ms=day_ms("since", since), until_ms=day_ms("until", until, up=True), actor=actor, event=event
    )


Where = Annotated[AuditFilter, Depends(_where)]
"""Parameters of a route: `since` and `until` are UTC days, `until` excluded; `event` "turn" is "turn.completed" too."""


class AuditTrailRoutes:
    """The routes of the audit trail for administrators."""

    def __init__(self, audit: AuditStore, directory: Directory, clock: Clock = now_ms) -> None:
        self._audit = audit
        self._allowed = administrators(directory, "the audit trail")
        self._clock = clock

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [
            Endpoint("GET", "/api/audit", self.entries),
            Endpoint("GET", "/api/audit/verify", self.verify),
            Endpoint("GET", "/api/audit/export", self.export),
        ]

    async def entries(
        self,
        caller: Calling,
        where: Where,
        order: Annotated[Literal["newest", "oldest"], Query()] = "newest",
        start: Annotated[Place | None, Query(alias="from")] = None,
        limit: Annotated[Limit, Query()] = 100,
    ) -> AuditPage:
        """Return a page of entries, in the order of time; `from` is the `next` of the page before."""
        self._allowed(caller)
        if order == "newest":
            found = await self._audit.newest(before=start, limit=limit + 1, where=where)
        else:
            found = await self._audit.entries(after=start or 0, limit=limit + 1, where=where)
        page = found[:limit]
        return AuditPage(entries=[shown(entry) for entry in page], next=page[-1].seq if len(found) > limit else None)

    async def verify(self, caller: Calling) -> AuditVerdict:
        """Check the seals of the whole trail; only the anchors show whether its end was cut off."""
        self._allowed(caller)
        problem = await self._audit.verify()
        return AuditVerdict(problem=problem or "", first=await self._audit.first(), last=await self._audit.last())

    async def export(
        self, caller: Calling, where: Where, format: Annotated[Literal["csv", "jsonl"], Query()] = "csv"
    ) -> StreamingResponse:
        """Return the entries as a file, oldest first: CSV (RFC 4180), or one JSON object a line. This is audited."""
        self._allowed(caller)
        detail = {"format": format, "actor": where.actor, "event": where.event}
        await self._audit.record(caller.name, "audit.exported", detail, now_ms=self._clock())
        kind, head, line = _FORMATS[format]
        headers = {**HEADERS, "Content-Disposition": disposition(f"audit.{format}")}
        return StreamingResponse(self._lines(where, head, line), media_type=kind, headers=headers)

    async def _lines(self, where: AuditFilter, head: str, line: Callable[[AuditEntry], str]) -> AsyncIterator[bytes]:
        yield head.encode()
        last, after = await self._audit.last(), 0
        while after < last:
            found = await self._audit.entries(after=after, limit=PAGE, where=where)
            if not found:
                return
            after = found[-1].seq
            yield "".join(line(entry) for entry in found if entry.seq <= last).encode()


def _csv(values: Sequence[object]) -> str:
    row = io.StringIO()
    texts = [str(value) for value in values]
    # A spreadsheet would run a formula that somebody has written into a name.
    csv.writer(row).writerow([f"'{text}" if text.startswith(FORMULA) else text for text in texts])
    return row.getvalue()


def _csv_line(entry: AuditEntry) -> str:
    fields = shown(entry) | {"detail": _json(entry.detail)}
    return _csv([fields[name] for name in COLUMNS])


def _json_line(entry: AuditEntry) -> str:
    return f"{_json(shown(entry))}\n"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


_FORMATS: Mapping[str, tuple[str, str, Callable[[AuditEntry], str]]] = {
    "csv": ("text/csv; charset=utf-8", _csv(COLUMNS), _csv_line),
    "jsonl": ("application/jsonl; charset=utf-8", "", _json_line),
}
"""Media type, first line, and how an entry is written."""
