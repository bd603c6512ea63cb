"""The parts of the store that operations on chats use."""

from __future__ import annotations

from typing import Protocol

from supervisor.store.ports.cluster.elsewhere import ElsewhereStore
from supervisor.store.ports.people.uploads import UploadStore
from supervisor.store.ports.sessions import ChatStore, SessionStore
from supervisor.store.ports.turns import TurnStore


class ChatOperationStore(Protocol):
    """What operations on chats read and write."""

    @property
    def sessions(self) -> SessionStore:
        """Sessions of Claude Code, and the records of chats."""

    @property
    def chats(self) -> ChatStore:
        """What was said in chats."""

    @property
    def turns(self) -> TurnStore:
        """Messages and their turns."""

    @property
    def uploads(self) -> UploadStore:
        """Files that people attach to messages."""

    @property
    def elsewhere(self) -> ElsewhereStore:
        """What other nodes do."""
