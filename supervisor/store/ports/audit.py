"""The `AuditStore` port: a record that shows when it was tampered with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that happened.

    Attributes:
        seq: 1, 2, 3, ... without a gap.
        epoch: of the daemon's start that wrote it.
        mac: over this entry and the mac of the one before it.
    """

    seq: int
    at_ms: int
    epoch: int
    actor: str
    event: str
    detail: Mapping[str, Any]
    mac: bytes


class AuditStore(Protocol):
    """The chained record of what happened."""

    async def record(self, actor: str, event: str, detail: dict[str, Any], *, now_ms: int) -> None:
        """Append an entry."""

    async def verify(self) -> str | None:
        """Check the whole chain; None = intact, else a sentence that names the first bad row."""

    async def entries(self, *, after: int, limit: int) -> list[AuditEntry]:
        """Return the entries behind one, in their order."""

    async def last(self) -> int:
        """Return the number of the newest entry; 0 = there is none."""
