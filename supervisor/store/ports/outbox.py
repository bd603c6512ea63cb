"""The `OutboxStore` port: replies that leave by a channel, from pending to delivered or dead."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from supervisor.protocol.messages import Address, Delivery, OutboxId, UserId
from supervisor.protocol.status import OutboxState
from supervisor.protocol.times import DAY_MS
from supervisor.store.records.charge import Charge
from supervisor.store.records.outbox import OutboxDraft, OutboxRow

LONGEST_PAUSE_MS = DAY_MS
"""The longest pause of a reply. One that seems to wait for longer is due: the clock went back since."""

Drafts = Callable[[OutboxRow], Sequence[OutboxDraft]]
"""Drafts notices about a reply that did not arrive, in the transaction that records so. Its `note` says why."""


class OutboxStore(Protocol):
    """Replies that leave by a channel."""

    def listen(self, listener: Callable[[AbstractSet[str]], None]) -> None:
        """Call `listener` after each commit that left replies to deliver, with the names of their channels.

        Any transaction may write replies, not only those of this port. The listener runs in the event loop, must not
        raise, and replaces the one before.
        """

    async def add(self, draft: OutboxDraft, *, user_id: UserId | None, now_ms: int) -> None:
        """Write a reply that belongs to no turn; its `text` is required. If the id exists, nothing is written."""

    async def due(
        self, channel: str, *, now_ms: int, limit: int, recipients: Collection[str] | None = None
    ) -> list[OutboxRow]:
        """Return the first unsent reply to each address of a channel, if it is pending and due; longest due first.

        A reply whose time is further off than `LONGEST_PAUSE_MS` is due. A send of unknown outcome blocks the later
        replies to its address.

        Args:
            recipients: only those to these; None = to all.
        """

    async def hasten(self, channel: str, *, now_ms: int) -> int:
        """Make the replies due that were put back at a later time, before the clock went back; return how many."""

    async def next_due_ms(self, channel: str, recipients: Collection[str] | None = None) -> int | None:
        """Return when the next pending reply that is the first to its address is due; None = there is none.

        Args:
            recipients: as in `due`.
        """

    async def begin(self, outbox_id: OutboxId, *, now_ms: int) -> OutboxRow | None:
        """pending -> sending under this epoch, and count an attempt; None = not pending, or not due any more."""

    async def sent(
        self,
        outbox_id: OutboxId,
        provider_id: str,
        note: str,
        charges: Sequence[Charge],
        *,
        now_ms: int,
        attempt: int | None = None,
    ) -> bool:
        """sending -> sent; False = not sending, or the provider id belongs to another reply.

        Args:
            attempt: the number of the attempt whose outcome it is: a late outcome of an earlier one changes nothing.
                None = whichever attempt is under way.
        """

    async def retry(
        self, outbox_id: OutboxId, why: str, *, not_before_ms: int, count: bool, attempt: int | None = None
    ) -> bool:
        """sending -> pending, because it was certainly not sent; `count=False` takes the attempt back.

        Args:
            attempt: as in `sent`.
        """

    async def dead(
        self,
        outbox_id: OutboxId,
        why: str,
        *,
        now_ms: int,
        notices: Drafts | None = None,
        attempt: int | None = None,
    ) -> bool:
        """pending or sending -> dead: give the reply up. False = it is in another state.

        Args:
            attempt: as in `sent`.
        """

    async def sending(self, channel: str) -> list[OutboxRow]:
        """Return the replies of unknown outcome that this node or a dead one began to send, oldest first."""

    async def late(self, *, before_ms: int, user_id: UserId | None, limit: int) -> list[OutboxRow]:
        """Return the replies that should have left before a time and hold up those behind them, oldest first.

        A reply whose recipient is away is not late.

        Args:
            user_id: only replies to this user; None = to anybody.
        """

    async def given_up(self, *, since_ms: int, user_id: UserId | None, limit: int) -> list[OutboxRow]:
        """Return the replies that were given up, or reported as not delivered, since a time, newest first.

        Args:
            user_id: only replies to this user; None = to anybody.
        """

    async def delivered(
        self, channel: str, delivery: Delivery, *, now_ms: int, notices: Drafts | None = None
    ) -> OutboxRow | None:
        """Apply a provider's report, and post the price once it is known. A report never moves a reply back.

        Args:
            notices: drafts what is written when the report moves the reply to `undelivered`.

        Returns:
            The reply; None = no reply has this provider id.
        """

    async def wake(self, channel: str, to: Address, *, now_ms: int) -> int:
        """Make the pending replies to an address due now; return how many were not."""

    async def find_thread(self, channel: str, names: Sequence[str]) -> str | None:
        """Return the thread of the turn that a reply of one of these names answered; None = no such reply.

        Args:
            names: provider ids, or ids of the replies themselves.
        """

    async def sent_replies(self, channel: str, names: Sequence[str]) -> list[OutboxRow]:
        """Return the replies of these names, each once, in the order of the names; see `find_thread`."""

    async def recent(self, channel: str, to: Address) -> list[OutboxRow]:
        """Return the replies to an address that a provider has, or may have, taken lately, newest first; at most 50."""

    async def get(self, outbox_id: OutboxId) -> OutboxRow | None:
        """Return a reply, or None."""

    async def last_cut(self, channel: str, to: Address) -> OutboxRow | None:
        """Return the newest reply to an address whose note begins with "more:"; its text is the whole answer."""

    async def last_part(self, reader: str) -> OutboxRow | None:
        """Return the newest reply whose meta says `{"call": {"reader": <reader>}}`; None = there is none."""

    async def counts(self) -> dict[OutboxState, int]:
        """Return how many replies are pending, sending and dead."""
