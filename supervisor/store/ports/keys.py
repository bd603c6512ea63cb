"""Small values that survive a restart: first answers by Idempotency-Key, marks, codes, references to people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from supervisor.protocol.codes import Code, CodeKind
from supervisor.protocol.messages import UserId
from supervisor.store.records.tool_call import Reference


class IdempotencyStore(Protocol):
    """Small values that survive a restart: marks (how far a channel has read), and first answers by Idempotency-Key."""

    async def get_mark(self, name: str) -> int | None:
        """Return a mark; None = it was never set."""

    async def set_mark(self, name: str, value: int) -> None:
        """Set a mark."""

    async def idempotent(self, owner: str, key: str) -> tuple[str, int, str] | None:
        """Return (digest of the request, HTTP status, body) of the first answer, kept for 24 h; None = none."""

    async def claim(self, owner: str, key: str, *, now_ms: int) -> bool:
        """Claim a key before its request is carried out; False = another node carries it out.

        The caller holds a lock of the key within this process.
        """

    async def release(self, owner: str, key: str) -> None:
        """Give the claim of a key up, because its request was not carried out."""

    async def keep_answer(self, owner: str, key: str, digest: str, status: int, body: str, *, now_ms: int) -> None:
        """Keep the first answer for 24 hours, and give the claim up; a later answer changes nothing until then."""


class CodeStore(Protocol):
    """Codes that people were told in a text message.

    Where a code stands for a row, the transaction of that row issues and closes it.
    """

    async def issue(self, kind: CodeKind, ref: str, user_id: UserId, *, until_ms: int) -> str:
        """Return a new code for something that needs no transaction of its own."""

    async def find(self, code: str) -> Code | None:
        """Return a code, open or not; None = nobody was told it."""

    async def open_of(self, user_id: UserId, kind: CodeKind, *, now_ms: int) -> list[Code]:
        """Return the open codes of a kind that a user was told, newest first."""


class ReferenceStore(Protocol):
    """Which reference stands for whom."""

    async def known(self, scope: str, *, after: int = 0) -> list[Reference]:
        """Return the references of a conversation, in the order in which they were added.

        Args:
            after: the `seq` of one of them; only those that were added later.
        """

    async def add(self, scope: str, references: Sequence[Reference]) -> None:
        """Add references to a conversation; one that is there already changes nothing."""

    async def forget(self, scope: str) -> None:
        """Delete the references of a conversation."""
