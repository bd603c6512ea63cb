"""Charges on their way to the ledger: none is lost where the store refuses it, and none counts twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from supervisor.protocol.conversation import Tokens
from supervisor.spending.charges import ChargeWriter, charge_of, rest_of
from tests.supervisor.spending.ledgers import ADA, BEGUN, ENDED, RecordingLedger, charge


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
