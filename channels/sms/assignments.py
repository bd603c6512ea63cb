"""Which of Twilio's messages carries which reply, as far as this process has been told."""

from __future__ import annotations

from channels.sms.recent import Recent
from supervisor.protocol.messages import OutboxId


class Assignments:
    """Told by the answers to sends and by status callbacks; a lost answer is made up for by the callback."""

    def __init__(self) -> None:
        self._replies: Recent[str, OutboxId] = Recent(10_000)
        self._sids: Recent[OutboxId, str] = Recent(10_000)

    def assign(self, sid: str, reply: OutboxId) -> None:
        """Remember that a message carries a reply."""
        self._replies[sid] = reply
        self._sids[reply] = sid

    def may_carry(self, sid: str, reply: OutboxId) -> bool:
        """Return whether a message is not known to carry another reply."""
        return self._replies.get(sid) in (None, reply)

    def sid_of(self, reply: OutboxId) -> str | None:
        """Return the message that carries a reply, or None where it is not known."""
        return self._sids.get(reply)
