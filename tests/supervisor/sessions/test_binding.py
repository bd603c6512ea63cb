"""The binding of a turn: a call that may change something is recorded, and ends the approvals kept before it."""

from __future__ import annotations

import pytest

from supervisor.protocol.conversation import ConversationEvent, ToolCall, Verdict
from supervisor.protocol.errors import StorageError
from supervisor.protocol.messages import UserId
from supervisor.sessions.binding import TurnBinding

CALL = ToolCall(tool_use_id="t1", name="Write", input={"file_path": "notes"})


class Recorded:
    """What a binding does, as a list of words.

    Attributes:
        refusing: the store refuses to write a call.
        refusals: how often it still refuses to outdate.
    """

    def __init__(self) -> None:
        self.done: list[str] = []
        self.refusing = False
        self.refusals = 0

    def sink(self, event: ConversationEvent) -> None:
        self.done.append(type(event).__name__)

    async def ask_person(self, call: ToolCall, verdict: Verdict) -> Verdict:
        self.done.append("asked")
        return verdict

    async def witness(self, call: ToolCall) -> None:
        if self.refusing:
            raise StorageError("the disk is full")
        self.done.append(f"witnessed {call.tool_use_id}")

    async def note(self, call: ToolCall, *, reads: bool) -> None:
        if self.refusing:
            raise StorageError("the disk is full")
        self.done.append(f"noted {call.tool_use_id}{', which only reads' if reads else ''}")

    async def outdate(self) -> None:
        if self.refusals:
            self.refusals -= 1
            raise StorageError("PostgreSQL does not answer")
        self.done.append("outdated")

    def binding(self) -> TurnBinding:
        """Return a binding that does all of it."""
        return TurnBinding(
            sink=self.sink,
            ask_person=self.ask_person,
            witness=self.witness,
            note=self.note,
            outdate=self.outdate,
            user_id=UserId("alice"),
        )


async def test_kept_approvals_end_with_the_first_call_that_nobody_was_asked_about() -> None:
    recorded = Recorded()
    binding = recorded.binding()
    await binding.record(CALL, unasked=False)
    assert recorded.done == ["witnessed t1"]
    for _ in range(2):
        await binding.record(CALL, unasked=True)
    assert recorded.done[1:] == ["outdated", "witnessed t1", "witnessed t1"]


async def test_approvals_that_are_kept_later_end_again() -> None:
    recorded = Recorded()
    binding = recorded.binding()
    await binding.record(CALL, unasked=True)
    binding.outdated = False  # the turn was suspended, and an approval kept for it
    await binding.record(CALL, unasked=True)
    assert recorded.done.count("outdated") == 2


async def test_a_refusal_to_end_the_approvals_is_waited_out() -> None:
    recorded = Recorded()
    recorded.refusals = 1
    await recorded.binding().record(CALL, unasked=True)
    assert recorded.done == ["outdated", "witnessed t1"]


async def test_a_call_that_cannot_be_recorded_is_an_error_and_the_witness_waits_by_itself() -> None:
    recorded = Recorded()
    recorded.refusing = True
    with pytest.raises(StorageError):
        await recorded.binding().record(CALL, unasked=True)
    assert recorded.done == ["outdated"]
