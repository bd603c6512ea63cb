"""Operations on chats, and what they return."""

from __future__ import annotations
