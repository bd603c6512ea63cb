"""The `CodeStore` port: which codes people were told."""

from __future__ import annotations

from typing import Protocol

from supervisor.protocol.codes import Code, CodeKind
from supervisor.protocol.messages import UserId


class CodeStore(Protocol):
    """Codes are issued and closed by the transaction of what they stand for, where there is one."""

    async def issue(self, kind: CodeKind, ref: str, user_id: UserId, *, until_ms: int) -> str:
        """Return a new code for something that needs no transaction of its own."""

    async def find(self, code: str) -> Code | None:
        """Return a code that somebody was told, open or not; None = nobody was."""

    async def open_of(self, user_id: UserId, kind: CodeKind, *, now_ms: int) -> list[Code]:
        """Return the open codes of a kind that a user was told, newest first."""
