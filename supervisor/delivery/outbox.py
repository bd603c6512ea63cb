"""Delivers replies by their channels: retries what certainly was not sent, reconciles what may have been."""

from __future__ import annotations

import asyncio
import logging
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from supervisor.protocol.errors import OutcomeUnknown, PermanentFailure, StorageError, TemporaryFailure
from supervisor.protocol.messages import Address, Delivery, NotSent, Outbound, OutboxId, Sent, Unknown
from supervisor.protocol.ports import Channel
from supervisor.protocol.times import Clock, now_ms
from supervisor.store.ports.outbox import OutboxStore
from supervisor.store.records.outbox import OutboxRow

logger = logging.getLogger(__name__)

PARALLEL = 8
"""Sends of one channel at a time, each to another address."""

MAX_ATTEMPTS = 17
"""Tries until a reply is given up: about six hours with the pauses below."""

FIRST_PAUSE_MS = 2_000
LONGEST_PAUSE_MS = 3_600_000
RECONCILE_PAUSE_MS = 15_000
FIRST_RECONCILE_PAUSE_MS = 1_000
"""Providers may have to be asked twice: a daemon that is killed every few seconds must get to the second time too."""
STORAGE_PAUSE_SECONDS = 1.0
PARKED_MS = 24 * 3_600_000
"""How long a reply waits for its recipient to come back before it is looked at again."""


BLOCK = re.compile(r"#{1,6}\s|[-*+]\s|\d{1,9}[.)]\s|>|\||```|~~~")
"""What Markdown reads as a heading, a list, a quotation, a table or code at the beginning of a line only."""

_WAS_NOT_SENT = TemporaryFailure("it had not been sent")


@dataclass(slots=True)
class _Line:
    """A channel's delivery.

    Attributes:
        ask_ms: when to ask about unknown sends again; None = as soon as there is one.
        pause_ms: the last pause between two such questions; the next is twice as long.
        sends: under way, each to another address.
        wake: set when there may be something to do.
        idle: set while there is nothing to do.
    """

    channel: Channel
    ask_ms: int | None = None
    pause_ms: int = 0
    sends: dict[OutboxId, asyncio.Task[None]] = field(default_factory=dict)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    idle: asyncio.Event = field(default_factory=asyncio.Event)


class Outbox:
    """The way of replies to their channels.

    It listens to the store: a reply that any transaction has written is looked for after its commit.

    Args:
        reconcile_pause_ms: the longest between two questions to a provider about a send of unknown outcome.
        storage_pause_seconds: after a write that the store refused.
    """

    def __init__(
        self,
        store: OutboxStore,
        *,
        clock: Clock = now_ms,
        reconcile_pause_ms: int = RECONCILE_PAUSE_MS,
        storage_pause_seconds: float = STORAGE_PAUSE_SECONDS,
    ) -> None:
        self._store = store
        self._storage_pause_seconds = storage_pause_seconds
        self._clock = clock
        self._reconcile_pause_ms = reconcile_pause_ms
        self._lines: dict[str, _Line] = {}
        self._trying: dict[tuple[str, Address], bool] = {}  # true: its recipient came back meanwhile
        store.listen(self.wake)

    def add_channel(self, channel: Channel) -> None:
        """Deliver for a channel from now on; run `run` for it."""
        self._lines[channel.name] = _Line(channel)

    def channels(self) -> list[str]:
        """Return the names of the channels that replies leave by."""
        return list(self._lines)

    def wake(self, channels: Iterable[str]) -> None:
        """Look for replies of these channels that are due; a channel that is not known is left out."""
        for name in channels:
            if (line := self._lines.get(name)) is not None:
                line.wake.set()

    async def returned(self, name: str, to: Address) -> None:
        """Say that a recipient is back: what waits for them is due now."""
        if (name, to) in self._trying:
            self._trying[name, to] = True
        await self._store.wake(name, to, now_ms=self._clock())

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
        try:
            while True:
                line.wake.clear()
                try:
                    due_ms = await self._deliver_due(line)
                except StorageError as error:
                    logger.error("%s: replies cannot be delivered: %s", name, error)
                    await asyncio.sleep(self._storage_pause_seconds)
                    continue
                await self._sleep(line, due_ms)
        finally:
            sends = list(line.sends.values())
            for send in sends:
                send.cancel()  # what it had begun is of unknown outcome, and reconciled at the next start
            await asyncio.gather(*sends, return_exceptions=True)

    async def _deliver_due(self, line: _Line) -> int | None:
        """Settle what is unknown, where it is time to ask, and start what is due; return when the next one will be."""
        if line.ask_ms is None or line.ask_ms <= self._clock():
            line.ask_ms = await self._reconcile(line)
        while len(line.sends) < PARALLEL:
            due = await self._store.due(line.channel.name, now_ms=self._clock(), limit=2 * PARALLEL)
            rows = [row for row in due if row.id not in line.sends][: PARALLEL - len(line.sends)]
            if not rows:
                return await self._store.next_due_ms(line.channel.name)
            line.idle.clear()
            for row in rows:
                line.sends[row.id] = asyncio.create_task(self._send_guarded(line, row), name=f"send {row.id}")
        return None  # the end of a send wakes it

    async def _send_guarded(self, line: _Line, row: OutboxRow) -> None:
        try:
            await self._send(line.channel, row)
        except StorageError as error:
            logger.error("%s: what became of reply %s cannot be recorded: %s", line.channel.name, row.id, error)
            await asyncio.sleep(self._storage_pause_seconds)
        finally:
            del line.sends[row.id]
            line.wake.set()

    async def _sleep(self, line: _Line, due_ms: int | None) -> None:
        """Wait until a reply is due, or somebody says there is one."""
        if not line.sends and not line.wake.is_set():  # else there may be more than was looked for just now
            line.idle.set()
        moments = [moment for moment in (due_ms, line.ask_ms) if moment is not None]
        pause = max(0.05, (min(moments) - self._clock()) / 1000) if moments else None
        try:
            async with asyncio.timeout(pause):
                await line.wake.wait()
        except TimeoutError:
            return

    async def _send(self, channel: Channel, row: OutboxRow) -> None:
        """Try one reply."""
        begun = await self._store.begin(row.id, now_ms=self._clock())
        if begun is None:
            return
        self._trying[channel.name, row.to] = False
        try:
            sent = await channel.send(outbound_of(begun))
        except TemporaryFailure as failure:
            await self._put_back(begun, failure)
        except PermanentFailure as failure:
            logger.error("%s: reply %s is given up: %s", channel.name, row.id, failure)
            await self._store.dead(row.id, failure.why, now_ms=self._clock())
        except OutcomeUnknown as failure:
            logger.warning("%s: the outcome of reply %s is unknown: %s", channel.name, row.id, failure)
        except Exception:  # what a channel did not foresee may have been sent
            logger.exception("%s: the outcome of reply %s is unknown", channel.name, row.id)
        else:
            await self._mark_sent(channel, begun, sent)
        finally:
            del self._trying[channel.name, row.to]

    async def _mark_sent(self, channel: Channel, row: OutboxRow, sent: Sent) -> None:
        """Record a send; a write that is refused leaves it to be reconciled."""
        try:
            await asyncio.shield(self._store.sent(row.id, sent.provider_id, sent.note, (), now_ms=self._clock()))
        except StorageError as error:
            logger.error("%s: reply %s was sent and could not be recorded: %s", channel.name, row.id, error)

    async def _put_back(self, row: OutboxRow, failure: TemporaryFailure) -> None:
        if failure.parked:
            back = self._trying.get((row.channel, row.to), False)
            until = self._clock() + (0 if back else PARKED_MS)
            await self._store.retry(row.id, failure.why, not_before_ms=until, count=False)
            return
        if row.attempts >= MAX_ATTEMPTS:
            logger.error("%s: reply %s is given up after %d tries: %s", row.channel, row.id, row.attempts, failure)
            await self._store.dead(row.id, failure.why, now_ms=self._clock())
            return
        pause = min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (row.attempts - 1))
        if failure is _WAS_NOT_SENT and row.attempts == 1:
            pause = 0  # most likely we went down before it left
        pause = round(pause * random.uniform(0.75, 1.25))  # noqa: S311 - jitter, not a secret
        if failure.retry_after is not None:
            pause = max(pause, round(failure.retry_after * 1000))
        logger.warning("%s: reply %s was not sent, again in %.0f s: %s", row.channel, row.id, pause / 1000, failure)
        await self._store.retry(row.id, failure.why, not_before_ms=self._clock() + pause, count=True)

    async def _reconcile(self, line: _Line) -> int | None:
        """Ask the provider about every send of unknown outcome; return when to ask again, None = all is known."""
        channel, unknown = line.channel, False
        for row in await self._store.sending(channel.name):
            if row.id in line.sends:
                continue  # it is being sent
            try:
                found = await channel.reconcile(outbound_of(row))
            except TemporaryFailure as failure:
                logger.warning("%s: cannot ask about reply %s now: %s", channel.name, row.id, failure)
                return self._clock() + self._reconcile_pause_ms
            except Exception:  # one reply that a channel cannot ask about holds up no other
                logger.exception("%s: cannot ask about reply %s", channel.name, row.id)
                found = Unknown()
            match found:
                case Sent():
                    taken = await self._store.sent(row.id, found.provider_id, found.note, (), now_ms=self._clock())
                    if not taken:  # the provider's message is another reply's: this one was not sent
                        await self._put_back(row, _WAS_NOT_SENT)
                case NotSent():
                    await self._put_back(row, _WAS_NOT_SENT)
                case Unknown():
                    unknown = True
        if not unknown:
            line.pause_ms = 0
            return None
        line.pause_ms = min(self._reconcile_pause_ms, max(FIRST_RECONCILE_PAUSE_MS, 2 * line.pause_ms))
        return self._clock() + line.pause_ms


def outbound_of(row: OutboxRow) -> Outbound:
    """Return a reply as its channel gets it: which project answers before the text, what it took below it."""
    prefix, footer = str(row.meta.get("prefix", "")), str(row.meta.get("footer", ""))
    text = f"{prefix}{_gap(row.text)}{row.text}" if prefix else row.text
    return Outbound(
        id=row.id,
        channel=row.channel,
        account=row.account,
        to=row.to,
        text=f"{text}\n\n{footer}" if footer else text,
        meta=row.meta,
        attempt=row.attempts,
        sending_since=row.sending_ms,
        message_id=row.message_id,
    )


def _gap(text: str) -> str:
    """Return what stands between the name of a project and an answer: a line of its own keeps its Markdown whole."""
    return "\n\n" if BLOCK.match(text) else " "
