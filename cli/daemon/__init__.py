"""How a command reaches the daemon; commands call `client.talk` (WebSocket) and `admin.call` (admin API)."""

from __future__ import annotations
