"""The message SIDs of our replies at Twilio, as far as this process knows them."""

from __future__ import annotations

from channels.sms.bounded import BoundedDict
from supervisor.protocol.messages import OutboxId


class ReplySids:
    """Maps replies to message SIDs and back.

    It learns a SID from the response to a send. If the response was lost, a search of Twilio's list guesses it: several
    messages may look the same. A status callback knows it, and corrects the guess.
    """

    def __init__(self) -> None:
        self._replies: BoundedDict[str, OutboxId] = BoundedDict(10_000)
        self._guesses: BoundedDict[str, None] = BoundedDict(10_000)
        self._sids: BoundedDict[OutboxId, str] = BoundedDict(10_000)

    def assign(self, sid: str, reply: OutboxId, *, is_guess: bool = False) -> None:
        """Note that a message carries this reply and no other.

        A reply that was sent twice has two messages; a message that was only guessed to be its own becomes free.
        """
        earlier_sid = self._sids.get(reply)
        if earlier_sid is not None and earlier_sid != sid and earlier_sid in self._guesses:
            self._replies.forget(earlier_sid)
        if is_guess:
            self._guesses[sid] = None
        else:
            self._guesses.forget(sid)
        if (earlier_reply := self._replies.get(sid)) is not None:
            self._sids.forget(earlier_reply)
        self._replies[sid] = reply
        self._sids[reply] = sid

    def may_carry(self, sid: str, reply: OutboxId) -> bool:
        """Return False if the message is known to carry another reply."""
        return self._replies.get(sid) in (None, reply)

    def sid_of(self, reply: OutboxId) -> str | None:
        """Return the SID of the message that carries a reply; None = not known."""
        return self._sids.get(reply)
