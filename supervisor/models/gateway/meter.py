"""Who pays for model calls: whom the gateway asks before a call, and what it tells them of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from supervisor.models.gateway.usage import UsageReader
from supervisor.models.prices import PriceList
from supervisor.protocol.conversation import Tokens
from supervisor.protocol.ids import uuid7


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCall:
    """A call that the model has begun to answer.

    Attributes:
        id: UUIDv7 text; the same in `started` and `finished`.
        owner: to whom the token was issued.
        model: as the API named it in its answer.
        tokens: as far as they are known.
        nanos: the price of those tokens in nanodollars, or None where the model has no known price.
        agent_id: the subagent of Claude Code that made it, or None.
        session_header: the session that Claude Code said it belongs to, or None; `owner` is what counts.
        complete: the API has said the final count; else the output is estimated from what was streamed.
    """

    id: str
    owner: str
    model: str
    tokens: Tokens
    nanos: int | None
    agent_id: str | None
    session_header: str | None
    complete: bool


class Meter(Protocol):
    """Who pays for the calls of one token. Its methods are called on the event loop and must not block it."""

    async def admit(self, model: str, max_tokens: int, *, most_nanos: int | None) -> str | None:
        """Return None to let a call through, or the sentence with which it is refused.

        Args:
            max_tokens: the most that it may write; 0 where the request does not say.
            most_nanos: the most that it can cost, in nanodollars; None where its price is not known.
        """

    def over(self) -> None:
        """Take note that a call which was let through is over, whether the model answered or not. After `finished`."""

    def started(self, call: ModelCall) -> None:
        """Take note that the model has begun to answer: the input is known, the output so far."""

    def finished(self, call: ModelCall) -> None:
        """Take note that a started call has ended, in whatever way. Exactly once for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """The sum of finished calls.

    Attributes:
        nanos: nanodollars of the calls that have a price.
        unpriced: how many of the calls have none.
    """

    calls: int = 0
    tokens: Tokens = field(default_factory=Tokens)
    nanos: int = 0
    unpriced: int = 0

    def plus(self, call: ModelCall) -> Metered:
        """Return the sum with one call more."""
        return Metered(
            calls=self.calls + 1,
            tokens=self.tokens + call.tokens,
            nanos=self.nanos + (call.nanos or 0),
            unpriced=self.unpriced + (call.nanos is None),
        )


class CallRecord:
    """Tells the meter of one call: started at most once, and finished exactly once where it was started.

    Args:
        model: what was asked for; what answers may be named otherwise.
        totals: sums by model, to which the call is added when it has finished.
    """

    def __init__(
        self,
        *,
        owner: str,
        meter: Meter,
        model: str,
        prices: PriceList,
        totals: dict[str, Metered],
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
            self._totals[call.model] = self._totals.get(call.model, Metered()).plus(call)
            self._meter.finished(call)
        self._meter.over()

    def follow(self, reader: UsageReader) -> None:
        """Take the counts from this reader."""
        self._reader = reader

    def note(self) -> None:
        """Tell the meter as soon as the answer has begun."""
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
