"""The `AuditStore` port: the audit trail, which shows when it was tampered with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One entry of the audit trail.

    Attributes:
        seq: 1, 2, 3, ... without a gap.
        epoch: the start of the daemon that wrote it.
        actor: a user's id, "supervisor" or "operator".
        mac: the seal over this entry and the seal before it.
    """

    seq: int
    at_ms: int
    epoch: int
    actor: str
    event: str
    detail: Mapping[str, Any]
    mac: bytes


class AuditStore(Protocol):
    """The audit trail; each entry seals the one before."""

    async def record(self, actor: str, event: str, detail: dict[str, Any], *, now_ms: int) -> None:
        """Append an entry."""

    async def verify(self) -> str | None:
        """Check the whole chain; None = intact, else a sentence that names the first bad row."""

    async def entries(self, *, after: int, limit: int) -> list[AuditEntry]:
        """Return the entries after a number, in their order."""

    async def last(self) -> int:
        """Return the number of the newest entry; 0 = there is none."""
