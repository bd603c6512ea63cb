"""Charges: model calls and messages that cost money."""

from __future__ import annotations

from dataclasses import field

from supervisor.protocol.conversation import Tokens
from supervisor.protocol.values.record import record


@record
class Charge:
    """Something that cost money, to be posted to the ledger.

    Attributes:
        ref: unique: the id of the call, or the outbox id with a number behind it; a ref is posted once.
        kind: "model", "sms", ...
        model: the name of the model, or of what was bought.
        nanos: nanodollars; None = no price is known: it counts as 0 and is shown as unpriced.
        estimated: the figure may be wrong, because the call was cut.
    """

    ref: str
    kind: str
    model: str
    tokens: Tokens = field(default_factory=Tokens)
    nanos: int | None
    estimated: bool = False
