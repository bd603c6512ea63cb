"""A meter for tests that records its calls."""

from __future__ import annotations

from supervisor.models.gateway.meter import Meter, ModelCall


class RecordingMeter(Meter):
    """Lets everything through, or refuses with one sentence.

    Attributes:
        asked: (model, max_tokens) of each call that asked to be let through.
    """

    def __init__(self, refusal: str | None = None) -> None:
        self.refusal = refusal
        self.asked: list[tuple[str, int]] = []
        self.begun: list[ModelCall] = []
        self.ended: list[ModelCall] = []
        self.done = 0

    async def admit(self, model: str, max_tokens: int, *, most_nanos: int | None) -> str | None:
        self.asked.append((model, max_tokens))
        return self.refusal

    def started(self, call: ModelCall) -> None:
        self.begun.append(call)

    def over(self) -> None:
        self.done += 1

    def finished(self, call: ModelCall) -> None:
        self.ended.append(call)
