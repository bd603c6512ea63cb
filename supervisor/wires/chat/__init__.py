"""The admin chat: protocol.md section 3, a web socket for people, and REST beside it."""

from __future__ import annotations
