"""From calls at the gateway to charges of turns."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

import pytest

from supervisor.protocol.conversation import Tokens
from supervisor.protocol.errors import BudgetExceeded, StorageError
from supervisor.protocol.messages import UserId
from supervisor.spending.meter import SessionMeter
from supervisor.store.records.charge import Charge
from tests.slowness import scaled
from tests.supervisor.spending.ledgers import ADA, BEGUN, ENDED, RecordingLedger, charge
from tests.waiting import until


@pytest.fixture
def ledger() -> RecordingLedger:
    return RecordingLedger()


@pytest.fixture
def meter(ledger: RecordingLedger) -> SessionMeter:
    return SessionMeter("s1", ADA, ledger, settle_seconds=0.01)


async def test_a_call_of_a_turn_is_journalled_as_it_begins_and_as_it_ends(
    meter: SessionMeter, ledger: RecordingLedger
) -> None:
    meter.begin(7, ADA)
    meter.started(BEGUN)
    meter.finished(ENDED)
    await meter.settle(7)
    assert ledger.journalled == [(7, charge(BEGUN, estimated=True)), (7, charge(ENDED, estimated=False))]
    assert ledger.posted == []


async def test_a_call_that_was_cut_stays_an_estimate(meter: SessionMeter, ledger: RecordingLedger) -> None:
    meter.begin(7, ADA)
    meter.started(BEGUN)
    meter.finished(replace(ENDED, complete=False))
    await meter.settle(7)
    assert ledger.journalled[-1][1].estimated


async def test_the_end_of_a_turn_waits_for_its_last_call(ledger: RecordingLedger) -> None:
    meter = SessionMeter("s1", ADA, ledger, settle_seconds=30.0)
    meter.begin(7, ADA)
    meter.started(BEGUN)
    settling = asyncio.create_task(meter.settle(7), name="settle")
    await until(lambda: ledger.journalled, "the call's start is journalled")
    assert not settling.done()
    meter.finished(ENDED)
    await settling
    assert ledger.journalled[-1] == (7, charge(ENDED, estimated=False))


async def test_a_call_that_outlives_its_turn_posts_the_rest_to_that_turn(
    meter: SessionMeter, ledger: RecordingLedger, caplog: pytest.LogCaptureFixture
) -> None:
    meter.begin(7, ADA)
    meter.started(BEGUN)
    await meter.settle(7)  # gives up waiting; the turn's end posts what was journalled
    assert "1 calls to the model outlived their turn" in caplog.text
    meter.begin(8, ADA)
    meter.finished(ENDED)
    await meter.drain()
    rest = Charge(ref="c1/rest", kind="model", model="claude-x", tokens=Tokens(output=49), nanos=5_000)
    assert ledger.posted == [(7, rest, ADA)]
    assert [turn for turn, _ in ledger.journalled] == [7]


async def test_the_rest_of_a_call_without_a_price_has_none(meter: SessionMeter, ledger: RecordingLedger) -> None:
    meter.begin(7, ADA)
    meter.started(replace(BEGUN, nanos=None))
    await meter.settle(7)
    meter.finished(replace(ENDED, nanos=None))
    await meter.drain()
    assert ledger.posted[0][1].nanos is None


async def test_a_call_of_no_turn_is_posted_once_to_its_user(meter: SessionMeter, ledger: RecordingLedger) -> None:
    meter.started(BEGUN)
    meter.finished(ENDED)
    await meter.drain()
    assert ledger.posted == [(None, charge(ENDED, estimated=False), ADA)]
    assert ledger.journalled == []


async def test_several_calls_at_once_are_kept_apart(meter: SessionMeter, ledger: RecordingLedger) -> None:
    meter.begin(7, ADA)
    for number in range(3):
        meter.started(replace(BEGUN, id=f"c{number}"))
    for number in range(3):
        meter.finished(replace(ENDED, id=f"c{number}", nanos=number))
    await meter.settle(7)
    assert {(c.ref, c.nanos) for _, c in ledger.journalled if not c.estimated} == {("c0", 0), ("c1", 1), ("c2", 2)}


async def test_without_a_ledger_nothing_is_written(caplog: pytest.LogCaptureFixture) -> None:
    meter = SessionMeter("s1", ADA, None, settle_seconds=0.01)
    meter.begin(7, ADA)
    meter.started(BEGUN)
    await meter.settle(7)
    meter.finished(ENDED)
    await meter.drain()


async def test_a_store_that_refuses_ends_nothing_and_is_reported(
    meter: SessionMeter, ledger: RecordingLedger, caplog: pytest.LogCaptureFixture
) -> None:
    ledger.refusing = True
    meter.begin(7, ADA)
    with caplog.at_level(logging.ERROR):
        meter.started(BEGUN)
        meter.finished(ENDED)
        assert await meter.settle(7) == [charge(ENDED, estimated=False)], "the turn's end writes it"
    assert "s1: a charge could not be stored yet: Storage failed: disk full" in caplog.text
    assert await meter.settle(7) == []


async def test_a_call_waits_while_what_was_spent_cannot_be_written_and_is_no_matter_of_a_limit(
    meter: SessionMeter, ledger: RecordingLedger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("supervisor.spending.meter.OUTAGE_SECONDS", 0.2)
    meter.begin(7, ADA)
    meter.started(BEGUN)
    await meter.drain()
    ledger.refusing = True
    meter.finished(ENDED)
    await meter.drain()
    with pytest.raises(StorageError, match="disk full"):
        await meter.admit("claude-x", 10, most_nanos=1)
    monkeypatch.setattr("supervisor.spending.meter.OUTAGE_SECONDS", 3600.0)
    caplog.clear()
    admitted = asyncio.create_task(meter.admit("claude-x", 10, most_nanos=1))
    await until(lambda: "waits for the database" in caplog.text, "it waits")
    ledger.refusing = False
    assert await admitted is None
    assert ledger.journalled == [(7, charge(BEGUN, estimated=True)), (7, charge(ENDED, estimated=False))]
    assert await meter.settle(7) == []


async def test_an_earlier_figure_of_a_call_is_written_no_more_after_a_later_one(
    meter: SessionMeter, ledger: RecordingLedger
) -> None:
    meter.begin(7, ADA)
    ledger.refusing = True
    meter.started(BEGUN)
    await meter.drain()
    ledger.refusing = False
    meter.finished(ENDED)
    assert await meter.settle(7) == []
    assert ledger.journalled == [(7, charge(ENDED, estimated=False))]


async def test_without_limits_every_call_is_let_through(meter: SessionMeter) -> None:
    assert await meter.admit("claude-x", 1_000_000, most_nanos=None) is None


async def test_what_was_spent_is_told_once_it_is_journalled(meter: SessionMeter, ledger: RecordingLedger) -> None:
    told: list[tuple[int, int]] = []

    async def spent(turn_id: int) -> None:
        told.append((turn_id, len(ledger.journalled)))

    meter.on_spent = spent
    meter.begin(7, ADA)
    meter.started(BEGUN)
    meter.finished(ENDED)
    await meter.settle(7)
    assert told == [(7, 2)]
    meter.begin(8, ADA)
    meter.started(BEGUN)
    meter.finished(ENDED)
    await meter.settle(8)
    assert told == [(7, 2)], "whoever was told of a turn is not told of the next"


async def test_no_call_waits_until_what_was_spent_is_told_and_the_end_does(meter: SessionMeter) -> None:
    told = asyncio.Event()

    async def spent(turn_id: int) -> None:
        await told.wait()

    meter._limit = FreeLimit()
    meter.on_spent = spent
    meter.begin(7, ADA)
    for number in range(3):
        assert await asyncio.wait_for(meter.admit("claude-x", 10, most_nanos=1), scaled(20)) is None
        meter.started(replace(BEGUN, id=f"c{number}"))
        meter.finished(replace(ENDED, id=f"c{number}"))
        meter.over()
    settling = asyncio.create_task(meter.settle(7), name="settle")
    await meter.drain()
    await asyncio.sleep(0)
    assert not settling.done()
    told.set()
    await settling


class EndingLimit:
    """Lets what is under way end in the middle of an answer, which does not know of it yet.

    Args:
        at: the call to it in which that happens, from 0 on.
        answers: to its calls in order; true = refused.
    """

    def __init__(self, meter: SessionMeter, at: int, answers: Sequence[bool]) -> None:
        self._meter = meter
        self._at = at
        self._answers = answers
        self.asked: list[int] = []

    async def refusal(self, turn_id: int | None, user_id: UserId, under_way: int) -> BudgetExceeded | None:
        self.asked.append(under_way)
        if len(self.asked) - 1 == self._at:
            self._meter.finished(ENDED)
            self._meter.over()
        refused = self._answers[len(self.asked) - 1]
        return BudgetExceeded("message", 1.01, 1.0) if refused else None


@pytest.mark.parametrize(
    ("at", "answers", "refused"),
    [
        (0, [False, False, True], True),  # it was read before what it costs was: to be read again
        (1, [False, True, False], False),  # nobody will say again that it is over
    ],
)
async def test_a_call_that_ends_while_another_is_admitted_is_counted_and_waited_for_by_nobody(
    meter: SessionMeter, at: int, answers: list[bool], refused: bool
) -> None:
    meter.begin(7, ADA)
    meter._limit = FreeLimit()
    assert await meter.admit("claude-x", 10, most_nanos=5) is None
    meter.started(BEGUN)
    limit = meter._limit = EndingLimit(meter, at, answers)
    said = await asyncio.wait_for(meter.admit("claude-x", 10, most_nanos=5), scaled(20))
    assert (said is not None) is refused
    assert limit.asked == [0, 10, 0] if at else [0, 5, 0]
    await meter.settle(7)


class FreeLimit:
    """Refuses nothing."""

    async def refusal(self, turn_id: int | None, user_id: UserId, under_way: int) -> BudgetExceeded | None:
        return None


async def test_telling_that_breaks_is_reported_and_ends_nothing(
    meter: SessionMeter, caplog: pytest.LogCaptureFixture
) -> None:
    async def spent(turn_id: int) -> None:
        raise AssertionError("broken")

    meter.on_spent = spent
    meter.begin(7, ADA)
    meter.started(BEGUN)
    meter.finished(ENDED)
    await meter.settle(7)
    assert "s1: whether a limit is nearly used up could not be told" in caplog.text


async def test_a_turn_that_was_taken_over_by_another_leaves_its_listener(meter: SessionMeter) -> None:
    told: list[int] = []

    async def spent(turn_id: int) -> None:
        told.append(turn_id)

    meter.on_spent = spent
    meter.begin(7, ADA)
    meter.begin(8, ADA)  # what was sent into it goes on
    await meter.settle(7)
    meter.started(BEGUN)
    meter.finished(ENDED)
    await meter.settle(8)
    assert told == [8]
