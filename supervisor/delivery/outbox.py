"""Delivers replies by their channels: retries what certainly was not sent, reconciles what may have been sent."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from supervisor.delivery.leads import Leads
from supervisor.delivery.outbound import outbound_of
from supervisor.protocol.errors import OutcomeUnknown, PermanentFailure, StorageError, TemporaryFailure
from supervisor.protocol.messages import Address, Delivery, NotSent, OutboxId, Reconciled, Sent, Unknown
from supervisor.protocol.ports.channel import Channel, Unreachable, composing
from supervisor.protocol.times import Clock, now_ms
from supervisor.runtime.logs import Outage
from supervisor.store.ports.outbox import LONGEST_PAUSE_MS, OutboxStore
from supervisor.store.records.outbox import OutboxDraft, OutboxRow

logger = logging.getLogger(__name__)

PARALLEL = 8
"""Sends of one channel at a time, each to another address."""

MAX_ATTEMPTS = 17
"""Attempts until a reply is given up: about six hours with the pauses below."""

MAX_FAULTS = 5
"""Errors that a channel did not foresee, in sends of one reply and questions about it, until it is given up."""

FIRST_PAUSE_MS = 2_000
LAST_PAUSE_MS = 3_600_000
RECONCILE_PAUSE_MS = 15_000
FIRST_RECONCILE_PAUSE_MS = 1_000
"""A provider may have to be asked twice; short, so that a daemon that is killed every few seconds asks twice too."""
STORAGE_PAUSE_SECONDS = 1.0
"""Pause after a read or write that the store refused."""
PARKED_MS = LONGEST_PAUSE_MS
"""How long a reply whose recipient is offline waits until the next attempt, unless the recipient returns."""

Notices = Callable[[OutboxRow, Collection[str]], Sequence[OutboxDraft]]
"""Drafts what people are told of a reply that did not arrive, given the names of the channels that can tell them."""

CLOCK_STEP_MS = 1_000
"""A clock that goes back by less than this changes nothing."""

_NEVER_SEEN = 2**62

_WAS_NOT_SENT = TemporaryFailure("it had not been sent")


@dataclass(slots=True)
class _Worker:
    """The delivery of one channel: a worker of the outbox, with its sends in progress.

    Attributes:
        recipients: those whose replies this node delivers; None = all.
        reconcile_ms: when to ask the provider about sends of unknown outcome again; None = as soon as there is one.
        reconcile_pause_ms: the last pause between two such questions; the next one is twice as long.
        seen_ms: the time of the last look. The first look finds the clock gone back, as it may have before the start.
        sends: in progress, each to another address.
        wake: set when there may be something to do.
        idle: set while there is nothing to do.
        outage: of the store.
    """

    channel: Channel
    recipients: Callable[[], Collection[str]] | None = None
    reconcile_ms: int | None = None
    reconcile_pause_ms: int = 0
    seen_ms: int = _NEVER_SEEN
    sends: dict[OutboxId, asyncio.Task[None]] = field(default_factory=dict)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    outage: Outage = field(default_factory=lambda: Outage(logger))


class Outbox:
    """Delivers the replies in the store: one worker per channel, which sends to several addresses in parallel.

    Replies to one address leave in the order in which they were written. The outbox listens to the store, so a
    commit that wrote replies wakes the workers of their channels.

    Args:
        notices: drafts what people are told about replies that did not arrive; None = they are told nothing.
        leads: the channels whose replies this node delivers; None = all.
        clock: milliseconds UTC.
        reconcile_pause_ms: the longest pause between two questions to a provider about sends of unknown outcome.
        storage_pause_seconds: the pause after a read or write that the store refused.
    """

    def __init__(
        self,
        store: OutboxStore,
        notices: Notices | None = None,
        *,
        leads: Leads | None = None,
        clock: Clock = now_ms,
        reconcile_pause_ms: int = RECONCILE_PAUSE_MS,
        storage_pause_seconds: float = STORAGE_PAUSE_SECONDS,
    ) -> None:
        self._store = store
        self._notices = notices
        self._storage_pause_seconds = storage_pause_seconds
        self._leads = leads
        self._clock = clock
        self._reconcile_pause_ms = reconcile_pause_ms
        self._workers: dict[str, _Worker] = {}
        self._attempts: dict[tuple[str, Address], bool] = {}  # in progress; true = the recipient returned meanwhile
        self._unrecorded: dict[OutboxId, Sent] = {}  # sent, but the store could not record it yet
        self._faults: dict[OutboxId, int] = {}  # unforeseen errors of replies that have not left
        store.listen(self.wake)

    def add_channel(self, channel: Channel, recipients: Callable[[], Collection[str]] | None = None) -> None:
        """Register a channel; its worker is `run`.

        Args:
            recipients: returns the addresses that this node can reach now; None = every node can reach all.
        """
        self._workers[channel.name] = _Worker(channel, recipients)

    def channels(self) -> list[str]:
        """Return the names of the registered channels."""
        return list(self._workers)

    async def claim(self) -> None:
        """Claim the channels that nobody leads, of those that one node delivers for all.

        Raises:
            StorageError: the store could not be read or written.
        """
        for name, worker in self._workers.items():
            if self._leads is not None and worker.recipients is None:
                await self._leads.claim(name)

    def leads(self, name: str) -> bool:
        """Return whether this node delivers the replies of a channel, and asks its provider."""
        return self._leads is None or self._leads.leads(name)

    def tried(self, name: str, *, reached: bool) -> None:
        """Note whether the provider of a channel was reached from here."""
        if self._leads is not None:
            self._leads.tried(name, reached=reached)

    def wake(self, channels: Iterable[str]) -> None:
        """Wake the workers of these channels; a name that is not registered is ignored."""
        for name in channels:
            if (worker := self._workers.get(name)) is not None:
                worker.wake.set()

    async def returned(self, name: str, to: Address) -> None:
        """Note that a recipient is back: the replies to this address are due now."""
        if (name, to) in self._attempts:
            self._attempts[name, to] = True
        await self._store.wake(name, to, now_ms=self._clock())
        self.wake([name])  # some may have waited for a node that reaches the recipient

    async def delivered(self, name: str, delivery: Delivery) -> OutboxRow | None:
        """Apply a provider's delivery report; return the reply, None = it is not known."""
        row = await self._store.delivered(name, delivery, now_ms=self._clock(), notices=self._failed)
        if row is None:
            logger.info("%s: ignored a report about the unknown reply %s", name, delivery.provider_id)
        elif delivery.state == "undelivered":
            logger.warning("%s: reply %s was not delivered: %s", name, row.id, delivery.error)
        return row

    async def flush(self, seconds: float) -> None:
        """Wait until the replies that are due now have left, at most for some seconds."""
        for worker in self._workers.values():
            worker.idle.clear()
            worker.wake.set()
        waits = [asyncio.create_task(worker.idle.wait()) for worker in self._workers.values()]
        if waits:
            _, late = await asyncio.wait(waits, timeout=seconds)
            for wait in late:
                wait.cancel()

    async def run(self, name: str) -> None:
        """Deliver the replies of one channel until cancelled; sends that a crash cut off are reconciled first."""
        worker = self._workers[name]
        try:
            while True:
                worker.wake.clear()
                try:
                    if not await self._still_leads(worker):
                        worker.idle.set()
                        await worker.wake.wait()
                        continue
                    due_ms = await self._deliver_due(worker)
                except StorageError as error:
                    worker.outage.failed("%s: replies cannot be delivered: %s", name, error)
                    await asyncio.sleep(self._storage_pause_seconds)
                    continue
                worker.outage.works("%s: replies can be delivered again", name)
                await self._sleep(worker, due_ms)
        finally:
            sends = list(worker.sends.values())
            for send in sends:
                send.cancel()  # its outcome is unknown: the next start reconciles it
            await asyncio.gather(*sends, return_exceptions=True)

    async def _still_leads(self, worker: _Worker) -> bool:
        """Return whether this node delivers the replies of a channel; it gives one up that another may reach."""
        leads, name = self._leads, worker.channel.name
        if leads is None or worker.recipients is not None:
            return True
        if leads.leads(name) and leads.is_lost(name):
            await asyncio.gather(*worker.sends.values(), return_exceptions=True)
            if leads.is_lost(name):  # the last of them may have reached the provider
                await leads.give_up(name)
        return leads.leads(name)

    async def _deliver_due(self, worker: _Worker) -> int | None:
        """Reconcile where it is time to, and start the sends that are due; return when the next is due, None = none."""
        await self._notice_clock(worker)
        if worker.reconcile_ms is None or worker.reconcile_ms <= self._clock():
            worker.reconcile_ms = await self._reconcile(worker)
        while len(worker.sends) < PARALLEL:
            to = worker.recipients() if worker.recipients is not None else None
            name = worker.channel.name
            due = await self._store.due(name, now_ms=self._clock(), limit=2 * PARALLEL, recipients=to)
            rows = [row for row in due if row.id not in worker.sends][: PARALLEL - len(worker.sends)]
            if not rows:
                return await self._store.next_due_ms(name, to)
            worker.idle.clear()
            for row in rows:
                worker.sends[row.id] = asyncio.create_task(self._send_guarded(worker, row), name=f"send {row.id}")
        return None  # the end of a send wakes the worker

    async def _notice_clock(self, worker: _Worker) -> None:
        """End the pauses that would outlast the time that they were meant for, because the clock went back."""
        now = self._clock()
        if now < worker.seen_ms - CLOCK_STEP_MS:
            if worker.seen_ms < _NEVER_SEEN:
                logger.warning("%s: the clock went back, so what waits is due now", worker.channel.name)
            await self._store.hasten(worker.channel.name, now_ms=now)
            worker.reconcile_ms = None
        worker.seen_ms = now

    async def _send_guarded(self, worker: _Worker, row: OutboxRow) -> None:
        try:
            await self._send(worker.channel, row)
        except StorageError as error:
            logger.error("%s: the outcome of reply %s cannot be recorded: %s", worker.channel.name, row.id, error)
            await asyncio.sleep(self._storage_pause_seconds)
        finally:
            del worker.sends[row.id]
            worker.wake.set()

    async def _sleep(self, worker: _Worker, due_ms: int | None) -> None:
        """Wait until a reply is due, or the worker is woken."""
        if not worker.sends and not worker.wake.is_set():  # else a reply may have been added since the last look
            worker.idle.set()
        moments = [moment for moment in (due_ms, worker.reconcile_ms) if moment is not None]
        pause = max(0.05, (min(moments) - self._clock()) / 1000) if moments else None
        try:
            async with asyncio.timeout(pause):
                await worker.wake.wait()
        except TimeoutError:
            return

    async def _send(self, channel: Channel, row: OutboxRow) -> None:
        """Make one attempt to send a reply, and record its outcome."""
        begun = await self._store.begin(row.id, now_ms=self._clock())
        if begun is None:
            return
        self._attempts[channel.name, row.to] = False
        try:
            with composing(begun.id):
                outbound = outbound_of(begun)
            sent = await channel.send(outbound)
        except TemporaryFailure as failure:
            self.tried(channel.name, reached=not isinstance(failure, Unreachable))
            await self._put_back(begun, failure)
        except PermanentFailure as failure:
            self.tried(channel.name, reached=True)
            await self._give_up(begun, failure.why)
        except OutcomeUnknown as failure:
            self.tried(channel.name, reached=False)
            logger.warning("%s: the outcome of reply %s is unknown: %s", channel.name, row.id, failure)
        except Exception:  # after an error that the channel did not foresee, the reply may have been sent
            logger.exception("%s: the outcome of reply %s is unknown", channel.name, row.id)
            self._faults[row.id] = self._faults.get(row.id, 0) + 1
        else:
            self.tried(channel.name, reached=True)
            await self._mark_sent(channel, begun, sent)
        finally:
            del self._attempts[channel.name, row.to]

    async def _mark_sent(self, channel: Channel, row: OutboxRow, sent: Sent) -> None:
        """Record a send; if the store refuses, the reply stays `sending`, and `_reconcile` records it later."""
        self._faults.pop(row.id, None)
        try:
            await asyncio.shield(self._record_sent(row, sent))
        except StorageError as error:
            self._unrecorded[row.id] = sent
            logger.error("%s: reply %s was sent and could not be recorded: %s", channel.name, row.id, error)

    async def _record_sent(self, row: OutboxRow, sent: Sent) -> bool:
        """Record that this attempt was sent; False = it is another attempt's turn, or another reply's message."""
        return await self._store.sent(
            row.id, sent.provider_id, sent.note, (), now_ms=self._clock(), attempt=row.attempts
        )

    async def _give_up(self, row: OutboxRow, why: str) -> None:
        """Record that a reply will not be sent; the next reply to its address is due."""
        logger.error("%s: reply %s is given up: %s", row.channel, row.id, why)
        await self._store.dead(row.id, why, now_ms=self._clock(), notices=self._failed, attempt=row.attempts)
        self._faults.pop(row.id, None)

    def _failed(self, row: OutboxRow) -> Sequence[OutboxDraft]:
        """Return what the recipient of a reply is told after it has failed for good."""
        return self._notices(row, self._workers) if self._notices is not None else ()

    async def _put_back(self, row: OutboxRow, failure: TemporaryFailure) -> None:
        if failure.parked:
            back = self._attempts.get((row.channel, row.to), False)
            until = self._clock() + (0 if back else PARKED_MS)
            await self._store.retry(row.id, failure.why, not_before_ms=until, count=False, attempt=row.attempts)
            return
        if row.attempts >= MAX_ATTEMPTS:
            await self._give_up(row, f"{failure.why} ({row.attempts} attempts)")
            return
        pause = min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (row.attempts - 1))
        if failure is _WAS_NOT_SENT and row.attempts == 1:
            pause = 0  # most likely the daemon went down before the reply left
        pause = round(pause * random.uniform(0.75, 1.25))  # noqa: S311 - jitter, not a secret
        if failure.retry_after is not None:
            pause = min(LONGEST_PAUSE_MS, max(pause, round(failure.retry_after * 1000)))
        logger.warning("%s: reply %s was not sent, retry in %.0f s: %s", row.channel, row.id, pause / 1000, failure)
        again = self._clock() + pause
        await self._store.retry(row.id, failure.why, not_before_ms=again, count=True, attempt=row.attempts)

    async def _reconcile(self, worker: _Worker) -> int | None:
        """Ask the provider about every send of unknown outcome; return when to ask again, None = all are known."""
        channel, unknown = worker.channel, False
        for row in await self._store.sending(channel.name):
            if row.id in worker.sends:
                continue  # its send is in progress
            try:
                found = self._unrecorded.get(row.id) or await self._find_out(channel, row)
            except TemporaryFailure as failure:
                if isinstance(failure, Unreachable):
                    self.tried(channel.name, reached=False)
                logger.warning("%s: cannot ask about reply %s now: %s", channel.name, row.id, failure)
                return self._clock() + self._reconcile_pause_ms
            except PermanentFailure as failure:
                await self._give_up(row, failure.why)
                continue
            match found:
                case Sent():
                    taken = await self._record_sent(row, found)
                    self._unrecorded.pop(row.id, None)
                    if taken:
                        self._faults.pop(row.id, None)
                    else:  # the provider's message belongs to another reply, so this one was not sent
                        await self._put_back(row, _WAS_NOT_SENT)
                case NotSent():
                    await self._put_back(row, _WAS_NOT_SENT)
                case Unknown():
                    unknown = True
        if not unknown:
            worker.reconcile_pause_ms = 0
            return None
        worker.reconcile_pause_ms = min(
            self._reconcile_pause_ms, max(FIRST_RECONCILE_PAUSE_MS, 2 * worker.reconcile_pause_ms)
        )
        return self._clock() + worker.reconcile_pause_ms

    async def _find_out(self, channel: Channel, row: OutboxRow) -> Reconciled:
        """Ask the provider about one send of unknown outcome.

        Raises:
            TemporaryFailure: the provider cannot be asked now.
            PermanentFailure: nobody can find out, or the channel failed too often with this reply.
        """
        with composing(row.id):
            outbound = outbound_of(row)
        found: Reconciled
        try:
            found = await channel.reconcile(outbound)
        except (TemporaryFailure, PermanentFailure):
            raise
        except Exception:  # one reply that fails does not block the others
            logger.exception("%s: cannot ask about reply %s", channel.name, row.id)
            self._faults[row.id] = self._faults.get(row.id, 0) + 1
            found = Unknown()
        if not isinstance(found, Sent) and self._faults.get(row.id, 0) >= MAX_FAULTS:
            raise PermanentFailure("an error of the channel, again and again; the log has it")
        return found
