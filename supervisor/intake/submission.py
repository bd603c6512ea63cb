"""A message whose sender is known, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from supervisor.delivery.replies import reply_id
from supervisor.protocol.events import ClaudeCodeQueued
from supervisor.protocol.messages import PLAIN_CHANNELS, Address, ProjectName, Reply, SessionId
from supervisor.protocol.queueing import Mode, told
from supervisor.routing.rules import Decision
from supervisor.store.records.acceptance import Acceptance, Accepted
from supervisor.store.records.accounts import User
from supervisor.store.records.outbox import OutboxDraft

QUEUED = 1
"""Number of the notice that a message waits, among the replies to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A message whose sender is known.

    Attributes:
        dedup_key: None = every repetition is a new message.
        limited: counts against the person's limits; false for services, which are told `overloaded`.
        commands: a person writes: a command word counts, and a fresh answer is followed up.
        mode: how it enters the line, as its sender said; None = as configured.
        thread: keeps a conversation of its own per user and project; empty = the one that has no thread.
    """

    user: User
    channel: str
    account: str
    sender: Address
    text: str
    note: str = ""
    context: Mapping[str, Any] | None = None
    thread: str = ""
    reply: Reply | None = None
    dedup_key: str | None = None
    dedup_seconds: float | None = None
    digest: str = ""
    limited: bool = False
    commands: bool = False
    mode: Mode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What T1 did with a submission, and where the message went.

    Attributes:
        told: a reply was put in the outbox instead of a turn.
        joined: it is part of the turn that runs.
    """

    accepted: Accepted
    decision: Decision
    lane: str
    project: ProjectName
    session_id: SessionId | None
    told: bool = False
    joined: bool = False


def continued(submission: Submission, meta: Mapping[str, Any]) -> Submission:
    """Give the answer's own meta to the way it takes."""
    if submission.reply is None or not meta:
        return submission
    return replace(submission, reply=replace(submission.reply, meta={**submission.reply.meta, **meta}))


def signed(submission: Submission) -> str:
    """Return what the model is told besides, with who writes: a shared conversation has several who do."""
    return "; ".join(
        part for part in (f"written by {submission.user.name or submission.user.id}", submission.note) if part
    )


class QueuePlace:
    """The place in the line of a message that waits, told to its sender as it is found.

    Attributes:
        mode: how it entered the line.
        ahead: turns before it; 0 = none, or it is part of the running one.
    """

    def __init__(self, acceptance: Acceptance, mode: Mode) -> None:
        self.mode = mode
        self.ahead = 0
        self._acceptance = acceptance
        reply = acceptance.reply
        self._reply = reply if reply is not None and reply.channel in PLAIN_CHANNELS else None

    @property
    def is_told(self) -> bool:
        """Whether its sender is told by a notice."""
        return self._reply is not None

    @property
    def topics(self) -> Sequence[str]:
        """Where it is announced besides."""
        return (f"session:{self._acceptance.session_id}", f"user:{self._acceptance.user_id}")

    def event(self, external_id: str | None) -> ClaudeCodeQueued:
        """Return what is announced."""
        return ClaudeCodeQueued(
            session_id=str(self._acceptance.session_id),
            message_id=self._acceptance.message_id,
            external_id=external_id,
            user_id=self._acceptance.user_id,
            mode=self.mode.value,
            ahead=self.ahead,
        )

    def notices(self, ahead: int) -> Sequence[OutboxDraft]:
        """Return what tells the sender how many turns are ahead; 0 = it went into the running one."""
        self.ahead = ahead
        if self._reply is None:
            return ()
        draft_id = reply_id(self._acceptance.message_id, QUEUED)
        return (OutboxDraft(id=draft_id, reply=self._reply, text=told(self.mode, ahead)),)


def too_many(retry_after: float) -> str:
    """Return what a person is told whose messages are too many, by seconds until the next may come."""
    return f"Rate limit exceeded: your message was not worked on. Send it again in {retry_after:.0f} seconds"
