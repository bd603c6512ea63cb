"""The `UploadStore` port: files that people attach to messages."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol

from supervisor.protocol.conversation import Attachment
from supervisor.protocol.messages import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload(Attachment):
    """A file of a user.

    Attributes:
        sha256: of its content, 64 hexadecimal digits.
        sent: a message carries it.
        conversation_id: of the session of Claude Code that got it; empty = none did.
    """

    user_id: UserId
    sha256: str
    created_ms: int
    sent: bool = False
    conversation_id: str = ""


class UploadStore(Protocol):
    """Files that people attach to messages. T1 gives a message its files: each file belongs to one message.

    A message that replaces others takes over theirs.
    """

    async def add(self, upload: Upload) -> bool:
        """Record a file whose content is stored; False = a file has this id already."""

    async def get(self, upload_id: str) -> Upload | None:
        """Return a file; None = there is none."""

    async def known(self, ids: Collection[str]) -> AbstractSet[str]:
        """Return which of some files are recorded."""

    async def unsent(self, user_id: UserId) -> Sequence[Upload]:
        """Return the files of a user that no message carries yet."""

    async def old(self, *, unsent_before_ms: int, sent_before_ms: int) -> Sequence[Upload]:
        """Return the files that are to be deleted: not sent for long, sent long ago, or sent in a chat that is gone."""

    async def outside(self, folder: str) -> list[Upload]:
        """Return the files that do not lie in a folder of their id in this folder."""

    async def move(self, folder: str, ids: Sequence[str]) -> None:
        """Let files lie in a folder of their id in this folder."""

    async def forget(self, ids: Sequence[str]) -> None:
        """Delete the records of files whose content is deleted."""
