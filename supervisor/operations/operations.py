"""The operations that every wire offers, grouped by what they are about."""

from __future__ import annotations

from dataclasses import dataclass

from supervisor.operations.messages import MessageOperations
from supervisor.operations.queries import Queries
from supervisor.operations.sessions import SessionOperations


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """What a caller may ask of the daemon, by whichever wire.

    Attributes:
        queries: reads that change nothing: sessions, history, costs.
        sessions: connect, disconnect, interrupt.
        messages: send, route, answer.
    """

    queries: Queries
    sessions: SessionOperations
    messages: MessageOperations
