"""A message on its way in: `Submission`, then `RoutedSubmission`, then, after T1, `Taken`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from supervisor.commands.dispatch import CommandAnswer
from supervisor.protocol.messages import Address, ProjectName, Reply, SessionId
from supervisor.protocol.queue import Mode
from supervisor.protocol.status import Target
from supervisor.protocol.values.record import record
from supervisor.routing.rules import Decision
from supervisor.store.records.acceptance import Accepted, RateLimit
from supervisor.store.records.accounts import User
from supervisor.store.records.session import Session


@record
class Submission:
    """A message whose user is known.

    Attributes:
        note: what the model is told besides the text.
        thread: names a conversation of the user in a project; empty = the conversation without a name.
        reply: where the answer is sent; None = nowhere, a caller waits for it or asks for it.
        dedup_key: the sender's id of the message; None = it is never deduplicated.
        dedup_seconds: how long the key deduplicates; None = for ever.
        digest: hash of the content; tells a repeated message from another one with the same key.
        limited: the rate limits of the user apply. Services are not limited: they get `overloaded`.
        waits: a caller waits for the message to be accepted: over a limit it gets the error, and nothing is stored.
            Without it a refusal is stored, and sent as a reply.
        commands: a person wrote it: command words are carried out, a queue prefix ("steer: ...") counts, and a message
            soon after an answer continues that conversation.
        subject: of a mail, with its marks; empty for other messages, and where it only repeats an earlier one.
        doubt, automatic, unreadable: as in `Inbound`.
        mode: what happens while a turn runs; None = of a person's message, as configured, and of a service's, see
            `Acceptor`.
        joins: its prefix says what happens to the running turn ("steer: ..."), so it is about that turn.
        chat: the chat that it is written in: there the assistant answers what no prefix sends elsewhere. None = none.
        attachments: ids of files that it carries.
        supersedes: the turn of the chat from which on earlier turns leave its history; None = none does.
        way, source: as in `Acceptance`.
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
    waits: bool = False
    commands: bool = False
    subject: str = ""
    doubt: str = ""
    automatic: str = ""
    unreadable: str = ""
    mode: Mode | None = None
    joins: bool = False
    chat: Session | None = None
    supersedes: int | None = None
    attachments: Sequence[str] = ()
    way: str = ""
    source: str = ""

    @property
    def signed_note(self) -> str:
        """The note with the writer's name in front, for a conversation in which several users write."""
        return "; ".join(part for part in (f"written by {self.user.name or self.user.id}", self.note) if part)

    def with_reply_meta(self, meta: Mapping[str, Any]) -> Submission:
        """Return the submission with entries added to the meta of its reply."""
        if self.reply is None or not meta:
            return self
        return replace(self, reply=replace(self.reply, meta={**self.reply.meta, **meta}))


@record
class RoutedSubmission:
    """A submission and the decision about it: what `Acceptor.accept` takes.

    Attributes:
        session: the session that the caller named; None = the destination is looked up.
        answer: of the command word that the message is; None = it is no command word.
        limit: T1 counts the message by it; None = nothing limits the message, or it is counted already.
    """

    submission: Submission
    decision: Decision
    session: Session | None = None
    answer: CommandAnswer | None = None
    limit: RateLimit | None = None


@record
class Taken:
    """A submission after T1.

    Attributes:
        lane: where its turn runs; empty for a duplicate.
        told: the outbox holds a reply instead of an answer: a refusal, or the answer of a command word.
        joined: the message was sent into the running turn and gets no turn of its own.
        ahead: turns before it in its queue; 0 = it is not queued.
        waits_for: the sentence that says what it waits for; empty if it is not queued.
    """

    accepted: Accepted
    decision: Decision
    lane: str
    project: ProjectName
    session_id: SessionId | None
    told: bool = False
    joined: bool = False
    ahead: int = 0
    waits_for: str = ""

    @classmethod
    def again(cls, first: Accepted) -> Taken:
        """Return a message that was accepted before."""
        decision = Decision(target=Target.REFUSED, reason="", text="")
        return cls(accepted=first, decision=decision, lane="", project=ProjectName(""), session_id=None)
