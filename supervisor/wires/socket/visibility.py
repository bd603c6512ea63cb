"""Which events a connection may receive: a user receives their own; overseers also records and costs of others."""

from __future__ import annotations

from collections.abc import Callable, Set

from supervisor.people.identity import Caller
from supervisor.protocol import events
from supervisor.protocol.messages import UserId


def may_see(event: events.AnyEvent, caller: Caller, topics: Set[str], oversees: Callable[[Caller], bool]) -> bool:
    """Return whether a caller may receive an event of a topic.

    Args:
        topics: the topics that the connection has subscribed to; access to each was checked then.
        oversees: tells whether a caller may read records, costs and limits of everybody (administrators, operators).
    """
    if caller.user_id is None:
        return True
    match event:
        case (
            events.ClaudeCodeDelta()
            | events.ClaudeCodeTool()
            | events.ClaudeCodeQueued()
            | events.ClaudeCodeEnded()
            | events.ClaudeCodeStuck()
            | events.ClaudeCodeDisconnected()
        ):
            return True  # published only on topics of a session or a user
        case events.SessionUpdated() | events.CostRecorded():
            mine = event.user_id == caller.user_id or f"session:{event.session_id}" in topics
            return mine or oversees(caller)
        case events.CostAlert():
            return oversees(caller) or _concerns(event, caller.user_id, topics)
        case events.ApprovalRequested() | events.ApprovalResolved():
            return True  # a user is subscribed to the approvals that they may decide, see `Connection._hub_topic`
        case events.AgentSaid() | events.AgentStateChanged():
            return event.user_id == caller.user_id
        case _:
            return False


def _concerns(alert: events.CostAlert, user_id: UserId, topics: Set[str]) -> bool:
    """Return whether a limit belongs to a user, or to a session whose topic they have subscribed to."""
    match alert.scope:
        case "message":
            return alert.user_id == user_id or f"session:{alert.session_id}" in topics
        case "session":
            return f"session:{alert.id}" in topics
        case "user":
            return alert.id == user_id
        case _:
            return False
