from __future__ import annotations

import pytest

from supervisor.models.gateway.call_record import CallRecord
from supervisor.models.gateway.meter import CallTotals
from supervisor.models.gateway.usage import StreamReader
from supervisor.models.offline.reply import Reply, encode_event, stream_events
from supervisor.models.prices import PriceList, Rates
from supervisor.protocol.conversation import Tokens
from tests.supervisor.models.gateway.meters import RecordingMeter

PRICES = PriceList({"m": Rates.parse({"input": "1", "output": "2"})})


def record(meter: RecordingMeter, totals: dict[str, CallTotals]) -> CallRecord:
    return CallRecord(
        owner="ada", meter=meter, model="asked", prices=PRICES, totals=totals, agent_id="a1", session_header="s1"
    )


def answered(call: CallRecord, model: str = "m") -> None:
    reader = StreamReader()
    call.follow(reader)
    usage = {"input_tokens": 10, "output_tokens": 5}
    for event in stream_events(Reply(text="x", usage=usage).message(model, 1)):
        reader.feed(encode_event(event))
        call.note()


def test_call_is_started_once_and_finished_once() -> None:
    meter, totals = RecordingMeter(), dict[str, CallTotals]()
    with record(meter, totals) as call:
        answered(call)
        assert not meter.ended
    (begun,), (ended,) = meter.begun, meter.ended
    assert (begun.tokens, begun.complete) == (Tokens(input=10, output=1), False)
    assert (ended.tokens, ended.complete, ended.nanos) == (Tokens(input=10, output=5), True, 20_000)
    assert begun.id == ended.id
    assert (ended.owner, ended.model, ended.agent_id, ended.session_header) == ("ada", "m", "a1", "s1")


def test_call_without_an_answer_is_not_metered() -> None:
    meter, totals = RecordingMeter(), dict[str, CallTotals]()
    with record(meter, totals) as call:
        call.follow(StreamReader())
        call.note()
    assert (meter.begun, meter.ended, totals) == ([], [], {})


def test_call_that_breaks_is_finished() -> None:
    meter, totals = RecordingMeter(), dict[str, CallTotals]()

    def broken_call() -> None:
        with record(meter, totals) as call:
            answered(call)
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        broken_call()
    assert len(meter.ended) == 1


def test_totals_are_kept_by_model() -> None:
    meter, totals = RecordingMeter(), dict[str, CallTotals]()
    for model in ("m", "m", "unheard-of"):
        with record(meter, totals) as call:
            answered(call, model)
    assert totals == {
        "m": CallTotals(calls=2, tokens=Tokens(input=20, output=10), nanos=40_000),
        "unheard-of": CallTotals(calls=1, tokens=Tokens(input=10, output=5), unpriced=1),
    }
    assert meter.ended[-1].nanos is None
