"""Which lists of the console a commit or an event changes."""

from __future__ import annotations

from enum import StrEnum

from supervisor.people.identity import Caller, Directory
from supervisor.protocol import events
from supervisor.store.committed import Committed


class Kind(StrEnum):
    """What a page shows; the console reads it again where it has changed."""

    AGENTS = "agents"
    APPROVALS = "approvals"
    AUDIT = "audit"
    CHANGES = "changes"
    """What turns did to files."""
    COSTS = "costs"
    DROPPED = "dropped"
    MESSAGES = "messages"
    PEOPLE = "people"
    QUEUE = "queue"
    REPLIES = "replies"
    SESSIONS = "sessions"
    TOKENS = "tokens"
    TRANSCRIPT = "transcript"
    """What was said in the session that a page shows."""


FOR_ADMINISTRATORS = frozenset({Kind.AUDIT, Kind.DROPPED, Kind.PEOPLE, Kind.TOKENS})
"""Kinds that other people do not read."""

OF_WRITES = {
    "accept": (Kind.MESSAGES, Kind.QUEUE),
    "agents": (Kind.AGENTS,),
    "begin": (Kind.REPLIES,),
    "cancel": (Kind.MESSAGES, Kind.QUEUE),
    "dead": (Kind.REPLIES,),
    "delivered": (Kind.REPLIES,),
    "finish": (Kind.CHANGES, Kind.COSTS, Kind.MESSAGES, Kind.QUEUE, Kind.REPLIES, Kind.SESSIONS),
    "join": (Kind.MESSAGES, Kind.QUEUE),
    "post": (Kind.COSTS,),
    "requeue": (Kind.MESSAGES, Kind.QUEUE),
    "retry": (Kind.REPLIES,),
    "sent": (Kind.REPLIES,),
    "session": (Kind.SESSIONS,),
    "start": (Kind.MESSAGES, Kind.QUEUE, Kind.SESSIONS),
}
"""By the name of a write."""

OF_ENTRIES = {
    "approval": (Kind.APPROVALS, Kind.MESSAGES),
    "budget": (Kind.COSTS,),
    "chat": (Kind.SESSIONS,),
    "message": (Kind.DROPPED,),
    "token": (Kind.TOKENS,),
    "turn": (Kind.CHANGES, Kind.MESSAGES, Kind.QUEUE),
    "user": (Kind.PEOPLE, Kind.TOKENS),
}
"""By what an entry of the audit trail is about; it follows a write that has no name."""


def of_commit(committed: Committed) -> set[Kind]:
    """Return what a group of commits changed."""
    found = {kind for write in committed.writes for kind in OF_WRITES.get(write, ())}
    for entry in committed.entries:
        found.update(OF_ENTRIES.get(entry.event.partition(".")[0], ()))
        found.add(Kind.AUDIT)
    return found


def of_event(event: events.AnyEvent, caller: Caller) -> set[Kind]:
    """Return what an event changes that was published to a person; pieces of an answer change no list."""
    match event:
        case events.ApprovalRequested() | events.ApprovalResolved():
            return {Kind.APPROVALS, Kind.MESSAGES}
        case events.SessionUpdated():
            return {Kind.SESSIONS}
        case events.CostRecorded() | events.CostAlert():
            return {Kind.COSTS}
        case events.ClaudeCodeQueued() | events.ClaudeCodeEnded():
            return {Kind.CHANGES, Kind.MESSAGES, Kind.QUEUE, Kind.SESSIONS}
        case events.AgentSaid() | events.AgentStateChanged():
            return {Kind.AGENTS} if event.user_id == caller.user_id else set()
        case _:
            return set()


def in_session(event: events.AnyEvent) -> set[Kind]:
    """Return what an event of a session changes for a page that shows it; pieces of an answer change nothing."""
    match event:
        case (
            events.ClaudeCodeQueued()
            | events.ClaudeCodeEnded()
            | events.ClaudeCodeDisconnected()
            | events.SessionUpdated()
        ):
            return {Kind.SESSIONS, Kind.TRANSCRIPT}
        case _:
            return set()


def may_know(caller: Caller, directory: Directory, kinds: set[Kind]) -> set[Kind]:
    """Return of which kinds a caller may know that somebody changed them, themselves or not."""
    if directory.administers(caller):
        return kinds
    return kinds - FOR_ADMINISTRATORS if directory.oversees(caller) else set()
