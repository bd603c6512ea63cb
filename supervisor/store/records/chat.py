"""A message of a chat with what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from supervisor.store.records.result import Result
from supervisor.store.records.tool_call import StoredCall


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatEntry:
    """A message of a chat with its answer.

    Attributes:
        result: the turn as it ended, or as it stands.
        calls: the tool calls of the assistant, in order.
    """

    result: Result
    calls: Sequence[StoredCall] = ()
