"""Something that cost money."""

from __future__ import annotations

from dataclasses import dataclass, field

from supervisor.protocol.conversation import Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Something that cost money, for the ledger.

    Attributes:
        ref: makes it unique: the call's id, or the outbox id with a running number; the same ref is written once.
        kind: "model", "sms", ...
        model: the model's name, or what was bought.
        nanos: None = unpriced: it counts with 0 and is shown as unpriced.
        estimated: the figure may be off (a call that was cut).
        channel: the channel of the message that caused it.
    """

    ref: str
    kind: str
    model: str
    tokens: Tokens = field(default_factory=Tokens)
    nanos: int | None
    estimated: bool = False
