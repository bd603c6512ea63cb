"""Admin: what the gateway to the models has counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from supervisor.models.gateway.meter import CallTotals
from supervisor.protocol.errors import Unsupported
from supervisor.protocol.times import usd
from supervisor.wires.rest.resource import Endpoint

Meter = Callable[[], Mapping[str, CallTotals]]
"""Returns the totals since the start of the daemon, by model (`Gateway.metered`)."""


class MeterRoutes:
    """The route of the meter.

    Args:
        meter: None = there is no daemon with a gateway.
    """

    def __init__(self, meter: Meter | None) -> None:
        self._meter = meter

    def endpoints(self) -> list[Endpoint]:
        """Return the route."""
        return [Endpoint("GET", "/meter", self.meter)]

    async def meter(self) -> dict[str, Any]:
        """Return what calls to models have cost since the start of the daemon, as the gateway counted them."""
        if self._meter is None:
            raise Unsupported("the meter without a running daemon")
        return {"models": {model: _totals(found) for model, found in self._meter().items()}}


def _totals(found: CallTotals) -> dict[str, Any]:
    return {
        "calls": found.calls,
        "cost_usd": usd(found.nanos),
        "input_tokens": found.tokens.input,
        "output_tokens": found.tokens.output,
        "unpriced": found.unpriced,
    }
