"""One admitted call: reports its start and its end to the meter, each at most once."""

from __future__ import annotations

from supervisor.models.gateway.meter import CallTotals, Meter, ModelCall
from supervisor.models.gateway.usage import UsageReader
from supervisor.models.prices import PriceList
from supervisor.protocol.ids import uuid7


class CallRecord:
    """Context manager around one admitted call.

    It reports `started` once, when the first bytes of the answer name the model. On exit it reports `finished` if
    the call was started, and always `over`.

    Args:
        model: the model that the request asked for; the answer may name it differently.
        totals: totals by model; a finished call is added to them.
        agent_id: see `ModelCall`.
        session_header: see `ModelCall`.
    """

    def __init__(
        self,
        *,
        owner: str,
        meter: Meter,
        model: str,
        prices: PriceList,
        totals: dict[str, CallTotals],
        agent_id: str | None,
        session_header: str | None,
    ) -> None:
        self._owner = owner
        self._meter = meter
        self._model = model
        self._prices = prices
        self._totals = totals
        self._agent_id = agent_id
        self._session_header = session_header
        self._id = uuid7()
        self._reader = UsageReader()
        self._started = False

    def __enter__(self) -> CallRecord:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._started:
            call = self._call()
            self._totals[call.model] = self._totals.get(call.model, CallTotals()).plus(call)
            self._meter.finished(call)
        self._meter.over()

    def follow(self, reader: UsageReader) -> None:
        """Take the token counts from this reader from now on."""
        self._reader = reader

    def note(self) -> None:
        """Report `started` to the meter once the reader knows the model. Call it after each chunk of the answer."""
        if not self._started and self._reader.model is not None:
            self._started = True
            self._meter.started(self._call())

    def _call(self) -> ModelCall:
        model, tokens = self._reader.model or self._model, self._reader.tokens
        return ModelCall(
            id=self._id,
            owner=self._owner,
            model=model,
            tokens=tokens,
            nanos=self._prices.price(model, tokens),
            agent_id=self._agent_id,
            session_header=self._session_header,
            complete=self._reader.complete,
        )
