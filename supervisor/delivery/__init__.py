"""How answers leave the daemon.

`Outbox` delivers replies by channels, and `ReplyTrouble` lists those that do not leave. `Hub` publishes events to
subscribers, `Waiters` resolves callers in this process. `replies` drafts texts about messages, `views` shows stored
records as the wire does.
"""

from __future__ import annotations
