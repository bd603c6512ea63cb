"""The `CodeStore` port: codes that people were told in a text message."""

from __future__ import annotations

from typing import Protocol

from supervisor.protocol.codes import Code, CodeKind
from supervisor.protocol.messages import UserId


class CodeStore(Protocol):
    """Codes. Where a code stands for a row, the transaction of that row issues and closes it."""

    async def issue(self, kind: CodeKind, ref: str, user_id: UserId, *, until_ms: int) -> str:
        """Return a new code for something that needs no transaction of its own."""

    async def find(self, code: str) -> Code | None:
        """Return a code, open or not; None = nobody was told it."""

    async def open_of(self, user_id: UserId, kind: CodeKind, *, now_ms: int) -> list[Code]:
        """Return the open codes of a kind that a user was told, newest first."""
