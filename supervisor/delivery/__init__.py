"""How answers leave: the outbox to channels, the hub to subscribers, waiters to callers in this process."""

from __future__ import annotations
