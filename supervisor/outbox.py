"""Delivers replies by their channels: retries what certainly was not sent, reconciles what may have been."""

from __future__ import annotations

import asyncio
import logging
import random
from dataclasses import dataclass, field, replace

from supervisor.protocol.errors import OutcomeUnknown, PermanentFailure, StorageError, TemporaryFailure
from supervisor.protocol.messages import Address, Delivery, NotSent, Outbound, Sent, Unknown
from supervisor.protocol.ports import Channel
from supervisor.protocol.times import Clock, now_ms
from supervisor.store.port import Outbox as OutboxStore
from supervisor.store.records import OutboxRow

logger = logging.getLogger(__name__)

BATCH = 20
"""Replies taken from the store at a time."""

PARALLEL = 8
"""Sends of one channel at a time, each to another address."""

MAX_ATTEMPTS = 12
"""Tries until a reply is given up: about six hours with the pauses below."""

FIRST_PAUSE_MS = 2_000
LONGEST_PAUSE_MS = 3_600_000
RECONCILE_PAUSE_MS = 15_000
PARKED_MS = 24 * 3_600_000
"""How long a reply waits for its recipient to come back before it is looked at again."""


@dataclass(slots=True)
class _Line:
    """A channel's delivery: what wakes its worker, and whether the worker has nothing to do."""

    channel: Channel
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    idle: asyncio.Event = field(default_factory=asyncio.Event)


class Outbox:
    """The way of replies to their channels.

    Args:
        reconcile_pause_ms: between two questions to a provider about a send of unknown outcome.
    """

    def __init__(
        self, store: OutboxStore, *, clock: Clock = now_ms, reconcile_pause_ms: int = RECONCILE_PAUSE_MS
    ) -> None:
        self._store = store
        self._clock = clock
        self._reconcile_pause_ms = reconcile_pause_ms
        self._lines: dict[str, _Line] = {}
        self._trying: dict[tuple[str, Address], bool] = {}  # true: its recipient came back meanwhile

    def add_channel(self, channel: Channel) -> None:
        """Deliver for a channel from now on; run `run` for it."""
        self._lines[channel.name] = _Line(channel)

    def channels(self) -> list[str]:
        """Return the names of the channels that replies leave by."""
        return list(self._lines)

    def notify(self, name: str) -> None:
        """Say that a channel has a reply to deliver."""
        if (line := self._lines.get(name)) is not None:
            line.wake.set()

    async def returned(self, name: str, to: Address) -> None:
        """Say that a recipient is back: what waits for them is due now."""
        if (name, to) in self._trying:
            self._trying[name, to] = True
        if await self._store.wake(name, to, now_ms=self._clock()):
            self.notify(name)

    async def delivered(self, name: str, delivery: Delivery) -> OutboxRow | None:
        """Apply what a provider reports of a reply."""
        row = await self._store.delivered(name, delivery, now_ms=self._clock())
        if row is None:
            logger.info("%s: a report about an unknown reply %s was ignored", name, delivery.provider_id)
        elif delivery.state == "undelivered":
            logger.warning("%s: reply %s was not delivered: %s", name, row.id, delivery.error)
        return row

    async def flush(self, seconds: float) -> None:
        """Give the replies that are due now some seconds to leave."""
        for line in self._lines.values():
            line.idle.clear()
            line.wake.set()
        waits = [asyncio.create_task(line.idle.wait()) for line in self._lines.values()]
        if waits:
            _, late = await asyncio.wait(waits, timeout=seconds)
            for wait in late:
                wait.cancel()

    async def run(self, name: str) -> None:
        """Deliver for one channel until cancelled: first what a crash left unknown, then what is due."""
        line = self._lines[name]
        while True:
            line.wake.clear()
            again_ms = await self._reconcile(line)
            rows = await self._store.due(name, now_ms=self._clock(), limit=BATCH)
            if rows:
                line.idle.clear()
                await self._send_all(line, rows)
                continue
            await self._sleep(line, again_ms)

    async def _sleep(self, line: _Line, again_ms: int | None) -> None:
        """Wait until a reply is due, or somebody says there is one."""
        due = await self._store.next_due_ms(line.channel.name)
        line.idle.set()
        moments = [moment for moment in (due, again_ms) if moment is not None]
        pause = max(0.05, (min(moments) - self._clock()) / 1000) if moments else None
        try:
            async with asyncio.timeout(pause):
                await line.wake.wait()
        except TimeoutError:
            return

    async def _send_all(self, line: _Line, rows: list[OutboxRow]) -> None:
        """Send a batch: addresses side by side, the replies to one address in order."""
        by_address: dict[Address, list[OutboxRow]] = {}
        for row in rows:
            by_address.setdefault(row.to, []).append(row)
        gate = asyncio.Semaphore(PARALLEL)

        async def send_in_order(replies: list[OutboxRow]) -> None:
            async with gate:
                for reply in replies:
                    if not await self._send(line.channel, reply):
                        return

        async with asyncio.TaskGroup() as group:
            for replies in by_address.values():
                group.create_task(send_in_order(replies), name=f"send {line.channel.name}")

    async def _send(self, channel: Channel, row: OutboxRow) -> bool:
        """Try one reply; False = the address is not reachable now."""
        begun = await self._store.begin(row.id, now_ms=self._clock())
        if begun is None:
            return True
        self._trying[channel.name, row.to] = False
        try:
            sent = await channel.send(outbound_of(begun))
        except TemporaryFailure as failure:
            await self._put_back(begun, failure)
            return False
        except PermanentFailure as failure:
            logger.error("%s: reply %s is given up: %s", channel.name, row.id, failure)
            await self._store.dead(row.id, failure.why, now_ms=self._clock())
            return True
        except OutcomeUnknown as failure:
            logger.warning("%s: the outcome of reply %s is unknown: %s", channel.name, row.id, failure)
            return False
        except Exception:  # what a channel did not foresee may have been sent
            logger.exception("%s: the outcome of reply %s is unknown", channel.name, row.id)
            return False
        finally:
            del self._trying[channel.name, row.to]
        await self._mark_sent(channel, begun, sent)
        return True

    async def _mark_sent(self, channel: Channel, row: OutboxRow, sent: Sent) -> None:
        """Record a send; a write that is refused leaves it to be reconciled."""
        try:
            await asyncio.shield(self._store.sent(row.id, sent.provider_id, sent.note, (), now_ms=self._clock()))
        except StorageError as error:
            logger.error("%s: reply %s was sent and could not be recorded: %s", channel.name, row.id, error)

    async def _put_back(self, row: OutboxRow, failure: TemporaryFailure) -> None:
        if failure.parked:
            back = self._trying[row.channel, row.to]
            until = self._clock() + (0 if back else PARKED_MS)
            await self._store.retry(row.id, failure.why, not_before_ms=until, count=False)
            return
        if row.attempts >= MAX_ATTEMPTS:
            logger.error("%s: reply %s is given up after %d tries: %s", row.channel, row.id, row.attempts, failure)
            await self._store.dead(row.id, failure.why, now_ms=self._clock())
            return
        pause = min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (row.attempts - 1))
        pause = round(pause * random.uniform(0.75, 1.25))  # noqa: S311 - jitter, not a secret
        if failure.retry_after is not None:
            pause = max(pause, round(failure.retry_after * 1000))
        logger.warning("%s: reply %s was not sent, again in %.0f s: %s", row.channel, row.id, pause / 1000, failure)
        await self._store.retry(row.id, failure.why, not_before_ms=self._clock() + pause, count=True)

    async def _reconcile(self, line: _Line) -> int | None:
        """Ask the provider about every send of unknown outcome; return when to ask again, None = all is known."""
        channel, unknown = line.channel, False
        for row in await self._store.sending(channel.name):
            try:
                found = await channel.reconcile(outbound_of(row))
            except TemporaryFailure as failure:
                logger.warning("%s: cannot ask about reply %s now: %s", channel.name, row.id, failure)
                return self._clock() + self._reconcile_pause_ms
            match found:
                case Sent():
                    taken = await self._store.sent(row.id, found.provider_id, found.note, (), now_ms=self._clock())
                    if not taken:  # the provider's message is another reply's: this one was not sent
                        await self._store.retry(row.id, "not found", not_before_ms=0, count=True)
                case NotSent():
                    await self._store.retry(row.id, "was not sent", not_before_ms=0, count=True)
                case Unknown():
                    unknown = True
        return self._clock() + self._reconcile_pause_ms if unknown else None


def outbound_of(row: OutboxRow) -> Outbound:
    """Return a reply as its channel gets it; a prefix (which project answers) is put before the text."""
    prefix = str(row.meta.get("prefix", ""))
    outbound = Outbound(
        id=row.id,
        channel=row.channel,
        account=row.account,
        to=row.to,
        text=row.text,
        meta=row.meta,
        attempt=row.attempts,
        sending_since=row.sending_ms,
        message_id=row.message_id,
    )
    return replace(outbound, text=f"{prefix} {row.text}") if prefix else outbound
