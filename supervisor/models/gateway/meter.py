"""The port between the gateway and spending: a meter admits calls, and gets their tokens and prices."""

from __future__ import annotations

from dataclasses import field
from typing import Protocol

from supervisor.protocol.conversation import Tokens
from supervisor.protocol.values.record import record


@record
class ModelCall:
    """A call that the model has started to answer.

    Attributes:
        id: UUIDv7 text; the same in `Meter.started` and `Meter.finished`.
        owner: the owner of the token.
        model: the model's name in the API's answer.
        tokens: the tokens that are known so far.
        nanos: the price of `tokens` in nanodollars; None = the price of the model is not known.
        agent_id: the Claude Code subagent that made the call; None = the main agent, or another client.
        session_header: the session id that Claude Code sent, or None. It is informative only; `owner` is authoritative.
        complete: True = the API has sent the final counts; False = the output is estimated from the streamed text.
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
    """Pays for the calls of one token. The gateway calls it on the event loop, so it must not block.

    The order for one call is: `admit`; when admitted, `started` and `finished` (only if the model answers); `over`.
    """

    async def admit(self, model: str, max_tokens: int, *, most_nanos: int | None) -> str | None:
        """Return None to admit a call, or the sentence with which the gateway refuses it.

        Args:
            max_tokens: the most tokens that the model may write; 0 = the request sets no maximum.
            most_nanos: the most that the call can cost, in nanodollars; None = its price is not known.

        Raises:
            StorageError: whether it may be made cannot be checked now. It may be made again, unless the error `lasts`.
        """

    def over(self) -> None:
        """Note that an admitted call is over, whether or not the model answered. It comes last."""

    def started(self, call: ModelCall) -> None:
        """Note that the model has started to answer: the input is final, the output is what it has written so far."""

    def finished(self, call: ModelCall) -> None:
        """Note that a started call has ended, for any reason. Called exactly once per started call."""


@record
class CallTotals:
    """The totals of finished calls.

    Attributes:
        calls: the number of calls.
        nanos: the price in nanodollars of the calls that have a price.
        unpriced: the number of calls without a known price.
    """

    calls: int = 0
    tokens: Tokens = field(default_factory=Tokens)
    nanos: int = 0
    unpriced: int = 0

    def plus(self, call: ModelCall) -> CallTotals:
        """Return the totals with one more call."""
        return CallTotals(
            calls=self.calls + 1,
            tokens=self.tokens + call.tokens,
            nanos=self.nanos + (call.nanos or 0),
            unpriced=self.unpriced + (call.nanos is None),
        )
