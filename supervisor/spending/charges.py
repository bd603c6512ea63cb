"""Charges of model calls on their way to the ledger. A charge that the store refuses is kept and tried again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass, fields, replace

from supervisor.models.gateway.meter import ModelCall
from supervisor.protocol.conversation import Tokens
from supervisor.protocol.errors import StorageError
from supervisor.protocol.messages import UserId
from supervisor.protocol.times import Clock
from supervisor.store.ports.ledger import LedgerStore
from supervisor.store.records.charge import Charge

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A charge on its way to the store.

    Attributes:
        journal: it is posted with the end of its turn; else by itself.
    """

    turn_id: int | None
    charge: Charge
    user_id: UserId
    journal: bool


class ChargeWriter:
    """Writes the charges of one session, each in a task of its own, so that no call waits for the disk.

    Args:
        lane: the name of the session, for the log.
        clock: milliseconds UTC.
    """

    def __init__(self, lane: str, ledger: LedgerStore, clock: Clock) -> None:
        self._lane = lane
        self._ledger = ledger
        self._clock = clock
        self._writes: set[asyncio.Task[None]] = set()
        self._unstored: dict[str, _Entry] = {}  # the newest figures that are not stored yet, by charge
        self._refused: dict[str, tuple[_Entry, StorageError]] = {}  # what the store refused, and why, by charge

    @property
    def writes(self) -> Collection[asyncio.Task[None]]:
        """The writes that have begun and not ended."""
        return self._writes

    @property
    def refusal(self) -> StorageError | None:
        """Why the store has refused a charge that is not written yet; None = it has refused none."""
        return next((error for _, error in self._refused.values()), None)

    def journal(self, turn_id: int, charge: Charge, user_id: UserId) -> None:
        """Begin to write a charge of a running turn. It replaces an earlier charge of the same call."""
        self._spawn(_Entry(turn_id, charge, user_id, journal=True))

    def post(self, turn_id: int | None, charge: Charge, user_id: UserId) -> None:
        """Begin to write a charge by itself: its turn has ended, or there is none (None)."""
        self._spawn(_Entry(turn_id, charge, user_id, journal=False))

    async def drain(self) -> None:
        """Wait for the writes that have begun."""
        while self._writes:
            await asyncio.wait(self._writes)  # who stops waiting cancels none of them

    async def retry(self) -> None:
        """Write again what the store has refused."""
        for ref in list(self._refused):
            entry = self._unstored.get(ref)
            if ref in self._refused and entry is self._refused[ref][0]:  # else it is stored, or newer figures come
                await self._write(entry)

    def take_refused(self, turn_id: int) -> list[Charge]:
        """Return the refused charges of a turn and forget them: they are written with the end of the turn."""
        found = [entry for entry, _ in self._refused.values() if entry.turn_id == turn_id and entry.journal]
        for entry in found:
            self._forget(entry)
        return [entry.charge for entry in found]

    def _spawn(self, entry: _Entry) -> None:
        self._unstored[entry.charge.ref] = entry
        task = asyncio.create_task(self._write(entry), name=f"meter {self._lane}")
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def _write(self, entry: _Entry) -> None:
        """Write a charge; if the store refuses it, keep it for `retry`."""
        turn_id, charge = entry.turn_id, entry.charge
        try:
            if entry.journal and turn_id is not None:
                await self._ledger.journal(turn_id, charge)
            else:
                await self._ledger.post(turn_id, charge, user_id=entry.user_id, now_ms=self._clock())
        except StorageError as error:
            if self._unstored.get(charge.ref) is not entry:
                return  # newer figures of the same call are stored, or under way
            if charge.ref not in self._refused:
                logger.error("%s: a charge could not be stored yet: %s", self._lane, error)
            self._refused[charge.ref] = entry, error
        else:
            self._forget(entry)

    def _forget(self, entry: _Entry) -> None:
        """Forget a charge, unless newer figures of the same call are under way."""
        ref = entry.charge.ref
        if self._unstored.get(ref) is entry:
            del self._unstored[ref]
            self._refused.pop(ref, None)


def charge_of(call: ModelCall, *, estimated: bool) -> Charge:
    """Return the charge of a call; `nanos` is in nanodollars, None = its price is not known."""
    return Charge(
        ref=call.id, kind="model", model=call.model, tokens=call.tokens, nanos=call.nanos, estimated=estimated
    )


def rest_of(call: ModelCall, start: ModelCall) -> Charge:
    """Return the charge of a call less the estimate at its start, which was posted with its turn."""
    nanos = call.nanos - (start.nanos or 0) if call.nanos is not None else None
    tokens = _minus(call.tokens, start.tokens)
    return replace(charge_of(call, estimated=not call.complete), ref=f"{call.id}/rest", tokens=tokens, nanos=nanos)


def _minus(tokens: Tokens, start: Tokens) -> Tokens:
    return Tokens(**{item.name: getattr(tokens, item.name) - getattr(start, item.name) for item in fields(Tokens)})
