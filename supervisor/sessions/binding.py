"""The binding of a running turn to the process of its session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from supervisor.cluster.outages import wait_out
from supervisor.permissions.policy import NeedsApproval, Risk
from supervisor.protocol import conversation as talk
from supervisor.protocol.messages import UserId

Sink = Callable[[talk.ConversationEvent], None]
AskPerson = Callable[[talk.ToolCall, NeedsApproval], Awaitable[talk.Verdict]]
Witness = Callable[[talk.ToolCall], Awaitable[None]]
Outdate = Callable[[], Awaitable[None]]


class Note(Protocol):
    """Records on disk that a tool call is about to run; it waits by itself."""

    def __call__(self, call: talk.ToolCall, *, reads: bool) -> Awaitable[None]:
        """Record the call.

        Raises:
            StorageError: the call must not run.
        """


@dataclass(slots=True, kw_only=True)
class TurnBinding:
    """What a running turn gives to the process of its session, from the start of the turn to its end.

    Attributes:
        sink: takes the events of the process; it never blocks.
        ask_person: asks a person about a tool call that needs approval, and waits for the answer.
        witness: records on disk that a tool call which may change something is about to run; it waits by itself.
        note: the same for a call that only reads, and for one that comes when the turn has ended.
        outdate: ends the validity of the approvals that are kept for a repeated call.
        user_id: the user who sent the message of the turn.
        guarded: risks that need approval in this turn even where the project allows everything.
        denied: the refused tool calls of the turn, as sentences.
        outdated: `outdate` was called, and no approval has been kept since.
    """

    sink: Sink
    ask_person: AskPerson
    witness: Witness
    note: Note
    outdate: Outdate
    user_id: UserId
    guarded: frozenset[Risk] = frozenset()
    denied: list[str] = field(default_factory=list)
    outdated: bool = False

    async def record(self, call: talk.ToolCall, *, unasked: bool) -> None:
        """Record, before it runs, a tool call that may change something; wait while the database does not answer.

        Each step waits by itself, so that none is done again because a later one was refused.

        Args:
            unasked: nobody was asked about the call, so it may change what a kept approval was given for.

        Raises:
            StorageError: the call must not run.
        """
        if unasked and not self.outdated:
            # An approval of `python x.py` is valid only while x.py is unchanged.
            await wait_out(self.outdate, f"call {call.tool_use_id}")
            self.outdated = True
        await self.witness(call)
