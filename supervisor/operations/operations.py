"""The operations that every wire offers, grouped by what they are about."""

from __future__ import annotations

from supervisor.operations.messages import MessageOperations
from supervisor.operations.queries import Queries
from supervisor.operations.sessions import SessionOperations
from supervisor.protocol.values.record import record


@record
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
