"""The place of a queued message, and who is told: its sender by a notice, subscribers by an event.

The sentence itself ("Queued: your message is number 2 in the queue.") is in `supervisor/protocol/queue.py`, which the
command line uses as well.
"""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.delivery.hub import topics_of
from supervisor.delivery.replies import reply_id
from supervisor.protocol.events import ClaudeCodeQueued
from supervisor.protocol.messages import PLAIN_CHANNELS
from supervisor.protocol.queue import FOR_TURN, Mode, told
from supervisor.store.records.acceptance import Acceptance
from supervisor.store.records.outbox import OutboxDraft

QUEUED = 1
"""Number of the queue notice among the replies to a message; 0 is the answer."""


class QueuePlace:
    """The place in the queue of one message that T1 accepts.

    T1 counts the turns ahead and calls `notices` with the number, in its own transaction. After the commit `event`
    announces it.

    Attributes:
        waits_for: one of the sentences of `supervisor/protocol/queue.py`, for a message that is queued.
        mode: how the message entered the queue.
        ahead: turns before it; 0 = it is not queued, or it was sent into the running turn.
    """

    def __init__(self, acceptance: Acceptance, mode: Mode) -> None:
        self.mode = mode
        self.waits_for = FOR_TURN
        self.ahead = 0
        self._acceptance = acceptance
        reply = acceptance.reply
        self._reply = reply if reply is not None and reply.channel in PLAIN_CHANNELS else None

    @property
    def is_told(self) -> bool:
        """Whether the sender gets a notice: only on channels that have no field to show the place."""
        return self._reply is not None

    @property
    def topics(self) -> Sequence[str]:
        """The topics of the hub that announce the place."""
        return topics_of(self._acceptance)

    def event(self, external_id: str | None) -> ClaudeCodeQueued:
        """Return the event for subscribers.

        Args:
            external_id: the caller's own id of the message, or None.
        """
        return ClaudeCodeQueued(
            session_id=str(self._acceptance.session_id),
            message_id=self._acceptance.message_id,
            external_id=external_id,
            user_id=self._acceptance.user_id,
            mode=self.mode.value,
            ahead=self.ahead,
            waits_for=self.waits_for if self.ahead else "",
        )

    def notices(self, ahead: int) -> Sequence[OutboxDraft]:
        """Keep the place and return the sender's notice about it, if the sender gets one.

        Args:
            ahead: turns before the message; 0 = it was sent into the running turn.
        """
        self.ahead = ahead
        if self._reply is None:
            return ()
        draft_id = reply_id(self._acceptance.message_id, QUEUED)
        # Where the sender has no screen, what goes without saying is not said.
        why = "" if self.waits_for == FOR_TURN else self.waits_for
        return (OutboxDraft(id=draft_id, reply=self._reply, text=told(self.mode, ahead, why)),)
