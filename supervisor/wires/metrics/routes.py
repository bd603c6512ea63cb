"""REST: /metrics in the formats of Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from fastapi import Header
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.responses import Response

from supervisor.operations.api import Api
from supervisor.protocol.errors import NotAllowed
from supervisor.wires.http.auth import Calling
from supervisor.wires.metrics import gauges
from supervisor.wires.metrics.counts import Counts
from supervisor.wires.rest.admin.meter import Meter
from supervisor.wires.rest.health import Parts
from supervisor.wires.rest.resource import Endpoint


class MetricsRoutes:
    """The route of Prometheus.

    Args:
        parts: which parts of the daemon work besides the store.
        meter: the totals that the gateway counted; None = there is no gateway.
    """

    def __init__(self, counts: Counts, api: Api, *, parts: Parts, meter: Meter | None) -> None:
        self._counts = counts
        self._load = api.load
        self._database = api.database
        self._directory = api.directory
        self._parts = parts
        self._meter = meter

    def endpoints(self) -> list[Endpoint]:
        """Return the route."""
        return [Endpoint("GET", "/metrics", self.metrics)]

    async def metrics(self, caller: Calling, accept: Annotated[str, Header()] = "") -> Response:
        """Return the metrics, to whoever may read the records of all: an OPERATOR, an ADMIN, a service."""
        if not self._directory.oversees(caller):
            raise NotAllowed("reading the metrics", "take the token of a user with the role OPERATOR")
        families = [
            *gauges.of_parts({"store": await self._database.works(), **self._parts()}),
            *gauges.of_load(await self._load.now()),
            *gauges.of_models(self._meter() if self._meter is not None else {}),
        ]
        encode, media_type = choose_encoder(accept)
        return Response(
            encode(_Scrape(self._counts, families)), headers={"Content-Type": media_type, "Cache-Control": "no-store"}
        )


class _Scrape(Collector):
    """Counts and gauges as one answer, because the format has one end."""

    def __init__(self, counts: Counts, gauges: Sequence[Metric]) -> None:
        self._counts = counts
        self._gauges = gauges

    def collect(self) -> Iterable[Metric]:
        yield from self._counts.registry.collect()
        yield from self._gauges
