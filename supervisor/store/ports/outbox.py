"""The port of the replies that leave by a channel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from supervisor.protocol.messages import Address, Delivery, OutboxId, UserId
from supervisor.protocol.status import OutboxState
from supervisor.store.records.charge import Charge
from supervisor.store.records.outbox import OutboxDraft, OutboxRow


class OutboxStore(Protocol):
    """Replies that leave by a channel."""

    def listen(self, listener: Callable[[AbstractSet[str]], None]) -> None:
        """Call `listener` after each commit that left replies to deliver, with the names of their channels.

        Any transaction may write replies, not only those of this port. The listener runs in the event loop, must not
        raise, and replaces the one before.
        """

    async def add(self, draft: OutboxDraft, *, user_id: UserId | None, now_ms: int) -> None:
        """Write a reply that belongs to no turn (`text` is required), once: of one id, the first stays."""

    async def due(self, channel: str, *, now_ms: int, limit: int) -> list[OutboxRow]:
        """Return the first pending reply to each address of a channel, where its time has come; longest due first.

        One whose outcome is unknown holds up what was written to its address after it.
        """

    async def next_due_ms(self, channel: str) -> int | None:
        """Return when the next pending reply of a channel that is first in its line is due."""

    async def begin(self, outbox_id: OutboxId, *, now_ms: int) -> OutboxRow | None:
        """pending -> sending under this epoch, counting an attempt; None = not pending."""

    async def sent(
        self, outbox_id: OutboxId, provider_id: str, note: str, charges: Sequence[Charge], *, now_ms: int
    ) -> bool:
        """sending -> sent; False = not sending, or the provider id belongs to another reply."""

    async def retry(self, outbox_id: OutboxId, why: str, *, not_before_ms: int, count: bool) -> bool:
        """sending -> pending: certainly not sent; `count=False` gives the attempt back."""

    async def dead(self, outbox_id: OutboxId, why: str, *, now_ms: int) -> bool:
        """Give a pending or sending reply up for good."""

    async def sending(self, channel: str) -> list[OutboxRow]:
        """Return the replies of unknown outcome, oldest first."""

    async def delivered(self, channel: str, delivery: Delivery, *, now_ms: int) -> OutboxRow | None:
        """Apply a provider's report, forward moves only; posts the price once it is known. None = unknown reply."""

    async def wake(self, channel: str, to: Address, *, now_ms: int) -> int:
        """Make the pending replies to an address due now; returns how many."""

    async def find_thread(self, channel: str, provider_ids: Sequence[str]) -> str | None:
        """Return the thread of the turn that a reply with one of these provider ids answered."""

    async def get(self, outbox_id: OutboxId) -> OutboxRow | None:
        """Return a reply, or None."""

    async def last_cut(self, channel: str, to: Address) -> OutboxRow | None:
        """Return the newest reply to an address whose note begins with "more:"; its text is the whole answer."""

    async def counts(self) -> dict[OutboxState, int]:
        """Return how many replies are in each unfinished or dead state."""
