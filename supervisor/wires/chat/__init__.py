"""The admin chat: docs/chat.md, a web socket for people, and REST beside it."""

from __future__ import annotations
