"""The message SIDs of our replies at Twilio, as far as this process knows them."""

from __future__ import annotations

from channels.sms.bounded import BoundedDict
from supervisor.protocol.messages import OutboxId


class ReplySids:
    """Maps replies to message SIDs and back.

    It learns a SID from the response to a send, or from a status callback if the response was lost.
    """

    def __init__(self) -> None:
        self._replies: BoundedDict[str, OutboxId] = BoundedDict(10_000)
        self._sids: BoundedDict[OutboxId, str] = BoundedDict(10_000)

    def assign(self, sid: str, reply: OutboxId) -> None:
        """Note that a message carries a reply."""
        self._replies[sid] = reply
        self._sids[reply] = sid

    def may_carry(self, sid: str, reply: OutboxId) -> bool:
        """Return False if the message is known to carry another reply."""
        return self._replies.get(sid) in (None, reply)

    def sid_of(self, reply: OutboxId) -> str | None:
        """Return the SID of the message that carries a reply; None = not known."""
        return self._sids.get(reply)
