"""What the operations on chats return."""

from __future__ import annotations
