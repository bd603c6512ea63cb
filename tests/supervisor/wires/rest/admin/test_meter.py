"""What the gateway has counted, over a real port."""

from __future__ import annotations

from pathlib import Path

from supervisor.models.gateway.meter import CallTotals
from supervisor.protocol.conversation import Tokens
from tests.supervisor.wires.http.serving import Served


async def test_meter_says_what_the_gateway_has_counted(tmp_path: Path) -> None:
    counted = {"some-model": CallTotals(calls=2, tokens=Tokens(input=3, output=4), nanos=1_500_000, unpriced=1)}
    async with Served(tmp_path, meter=lambda: counted) as served:
        meter = (await served.operator.get("/api/admin/meter")).json()
    assert meter == {
        "models": {"some-model": {"calls": 2, "cost_usd": 0.0015, "input_tokens": 3, "output_tokens": 4, "unpriced": 1}}
    }
