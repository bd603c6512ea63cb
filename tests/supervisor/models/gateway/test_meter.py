from __future__ import annotations

from dataclasses import replace

from supervisor.models.gateway.meter import CallTotals, ModelCall
from supervisor.protocol.conversation import Tokens

CALL = ModelCall(
    id="c1",
    owner="ada",
    model="m",
    tokens=Tokens(input=10, output=5),
    nanos=20_000,
    agent_id=None,
    session_header=None,
    complete=True,
)


def test_totals_add_tokens_and_prices_and_count_the_calls_without_a_price() -> None:
    totals = CallTotals().plus(CALL).plus(replace(CALL, nanos=None))
    assert totals == CallTotals(calls=2, tokens=Tokens(input=20, output=10), nanos=20_000, unpriced=1)
