"""The position of a queued message, and who is told: its sender by a notice, subscribers by an event.

The sentence itself ("Queued: your message is number 2 in the queue.") is in `supervisor/protocol/queue.py`, which the
command line uses as well.
"""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.delivery.replies import reply_id
from supervisor.protocol.events import ClaudeCodeQueued
from supervisor.protocol.messages import PLAIN_CHANNELS, MessageId, Reply
from supervisor.protocol.queue import FOR_TURN, Mode, told
from supervisor.store.records.acceptance import Acceptance
from supervisor.store.records.outbox import OutboxDraft

QUEUED = 1
"""Number of the queue notice among the replies to a message; 0 is the answer."""


class QueuePosition:
    """The position in the queue of one message that T1 accepts.

    T1 counts the turns ahead and calls `notices` with the number, in its own transaction. After the commit `event`
    announces it.

    Args:
        reply: where the answer is sent; the sender gets a notice only on channels that have no field for the position.

    Attributes:
        mode: how the message entered the queue.
        waits_for: one of the sentences of `supervisor/protocol/queue.py`, for a message that is queued.
        ahead: turns before it; 0 = it is not queued, or it was sent into the running turn.
    """

    __slots__ = ("_message_id", "_reply", "ahead", "mode", "waits_for")

    def __init__(self, message_id: MessageId, reply: Reply | None, mode: Mode, waits_for: str = FOR_TURN) -> None:
        self.mode = mode
        self.waits_for = waits_for
        self.ahead = 0
        self._message_id = message_id
        self._reply = reply if reply is not None and reply.channel in PLAIN_CHANNELS else None

    def event(self, acceptance: Acceptance) -> ClaudeCodeQueued:
        """Return the event for subscribers about the message, as T1 wrote it."""
        return ClaudeCodeQueued(
            session_id=str(acceptance.session_id),
            message_id=self._message_id,
            external_id=acceptance.dedup_key,
            user_id=acceptance.user_id,
            mode=self.mode.value,
            ahead=self.ahead,
            waits_for=self.waits_for if self.ahead else "",
        )

    def notices(self, ahead: int) -> Sequence[OutboxDraft]:
        """Keep the position and return the sender's notice about it, if the sender gets one.

        Args:
            ahead: turns before the message; 0 = it was sent into the running turn.
        """
        self.ahead = ahead
        if self._reply is None:
            return ()
        draft_id = reply_id(self._message_id, QUEUED)
        # Where the sender has no screen, what goes without saying is not said.
        why = "" if self.waits_for == FOR_TURN else self.waits_for
        return (OutboxDraft(id=draft_id, reply=self._reply, text=told(self.mode, ahead, why)),)
