"""Charges on their way to the ledger: none is lost where the store refuses it, and none counts twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from supervisor.protocol.conversation import Tokens
from supervisor.spending.charges import ChargeWriter, charge_of, rest_of
from supervisor.store.records.charge import Charge
from tests.supervisor.spending.ledgers import ADA, BEGUN, ENDED, RecordingLedger, charge
from tests.waiting import until


@pytest.fixture
def ledger() -> RecordingLedger:
    return RecordingLedger()


@pytest.fixture
def writer(ledger: RecordingLedger) -> ChargeWriter:
    return ChargeWriter("s1", ledger, lambda: 1)


async def test_what_the_store_refused_is_written_at_the_next_try(writer: ChargeWriter, ledger: RecordingLedger) -> None:
    ledger.refusing = True
    writer.journal(7, charge_of(ENDED, estimated=False), ADA)
    assert len(writer.writes) == 1
    await writer.drain()
    assert str(writer.refusal) == "Storage failed: disk full"
    await writer.retry()
    assert writer.refusal is not None
    ledger.refusing = False
    await writer.retry()
    assert writer.refusal is None
    assert ledger.journalled == [(7, charge(ENDED, estimated=False))]


async def test_refused_charges_of_a_turn_are_taken_once_and_those_of_others_are_kept(
    writer: ChargeWriter, ledger: RecordingLedger
) -> None:
    ledger.refusing = True
    writer.journal(7, charge_of(ENDED, estimated=False), ADA)
    writer.journal(8, charge_of(replace(ENDED, id="c2"), estimated=False), ADA)
    await writer.drain()
    assert writer.take_refused(7) == [charge(ENDED, estimated=False)]
    assert writer.take_refused(7) == []
    assert writer.refusal is not None


class SlowLedger(RecordingLedger):
    """Takes its time with the charges of one call, while it is told to.

    Attributes:
        held: the charge on which it is at work.
    """

    def __init__(self, ref: str) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.held: Charge | None = None
        self._ref = ref

    async def journal(self, turn_id: int, charge: Charge) -> None:
        if charge.ref == self._ref and not self.refusing:
            self.held = charge
            await self.go.wait()
        await super().journal(turn_id, charge)


async def test_who_stops_waiting_for_charges_stops_none_of_them() -> None:
    ledger = SlowLedger("c1")
    writer = ChargeWriter("s1", ledger, lambda: 1)
    writer.journal(7, charge_of(ENDED, estimated=False), ADA)
    waiting = asyncio.create_task(writer.drain())
    await until(lambda: ledger.held, "it is being written")
    waiting.cancel()
    assert isinstance((await asyncio.gather(waiting, return_exceptions=True))[0], asyncio.CancelledError)
    ledger.go.set()
    await writer.drain()
    assert ledger.journalled == [(7, charge(ENDED, estimated=False))]


async def test_no_estimate_is_written_after_the_final_figures() -> None:
    ledger = SlowLedger("c1")
    writer = ChargeWriter("s1", ledger, lambda: 1)
    ledger.refusing = True
    for ref in ("c1", "c2"):
        writer.journal(7, charge_of(replace(BEGUN, id=ref), estimated=True), ADA)
    await writer.drain()
    ledger.refusing = False
    retrying = asyncio.create_task(writer.retry())
    await until(lambda: ledger.held, "the first is written again")
    for ref in ("c1", "c2"):
        writer.journal(7, charge_of(replace(ENDED, id=ref), estimated=False), ADA)
    await until(lambda: ledger.journalled, "the final figures of the second are stored")
    again = asyncio.create_task(writer.retry())
    ledger.go.set()
    await asyncio.gather(retrying, again)
    await writer.drain()
    stored = [(made.ref, made.estimated) for _, made in ledger.journalled]
    assert stored == [("c2", False), ("c1", True), ("c1", False)]
    assert writer.refusal is None


async def test_a_refused_estimate_is_no_more_than_the_final_figures_that_came_meanwhile() -> None:
    ledger = SlowLedger("c1")
    writer = ChargeWriter("s1", ledger, lambda: 1)
    writer.journal(7, charge_of(BEGUN, estimated=True), ADA)
    await until(lambda: ledger.held, "the estimate is being written")
    ledger.refusing = True
    writer.journal(7, charge_of(ENDED, estimated=False), ADA)
    await until(lambda: writer.refusal, "the final figures are refused")
    ledger.go.set()
    await writer.drain()
    assert writer.take_refused(7) == [charge(ENDED, estimated=False)]


async def test_a_charge_without_a_running_turn_is_posted_by_itself(
    writer: ChargeWriter, ledger: RecordingLedger
) -> None:
    writer.post(None, charge_of(ENDED, estimated=False), ADA)
    await writer.drain()
    assert ledger.posted == [(None, charge(ENDED, estimated=False), ADA)]


def test_the_rest_of_a_call_is_what_its_estimate_left_out() -> None:
    rest = rest_of(ENDED, BEGUN)
    assert (rest.ref, rest.tokens, rest.nanos, rest.estimated) == ("c1/rest", Tokens(output=49), 5_000, False)
    assert rest_of(replace(ENDED, nanos=None), BEGUN).nanos is None
    assert rest_of(ENDED, replace(BEGUN, nanos=None)).nanos == 6_000
