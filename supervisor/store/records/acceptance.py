"""T1: everything that it writes, and its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from typing import Any

from supervisor.protocol.conversation import ProcessIdentity
from supervisor.protocol.messages import Address, MessageId, ProjectName, Reply, SessionId, UserId
from supervisor.protocol.status import Target
from supervisor.protocol.values.record import record
from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.records.session import NewSession
from supervisor.store.records.turn import Turn


class Raised(Enum):
    """What became of an amount that was to be added to a limit."""

    ADDED = auto()
    REOPENED = auto()
    """It was added, and the session that had ended by its limit goes on with its next message."""
    BEYOND = auto()
    """Nothing was added: it would exceed the bound."""
    USED = auto()
    """Nothing was added: the code was used before."""


@record
class Raise:
    """An amount that a message adds to a limit. T1 writes it, so a repeated message adds it once.

    Attributes:
        code: the code that it uses up; empty = none.
        scope, key, day: the limit, as in `Spent`.
        nanos: nanodollars to add.
        most: nanodollars that may be added to the limit in all; an amount that would exceed this is not added.
        told: makes the text for the sender, from the nanodollars added in all and what became of this amount.
    """

    scope: str
    key: str
    day: int
    nanos: int
    most: int
    told: Callable[[int, Raised], str]
    code: str = ""


@record
class RateLimit:
    """How much a person may send: in any minute, and in any hour.

    Attributes:
        command: it counts command words, apart from other messages: a person over the limit can still write NO or
            ABORT, and cannot guess codes without limit.
    """

    per_minute: int
    per_hour: int
    command: bool = False


@record
class Attempt:
    """A message that acts before T1: a command word, or one that its sender is asked about.

    Attributes:
        channel, account, dedup_key, digest: as in `Acceptance`.
        limit: counts the message; None = nothing limits it.
    """

    channel: str
    account: str
    dedup_key: str | None
    digest: str
    user_id: UserId
    limit: RateLimit | None
    now_ms: int


@record
class Superseding:
    """The turns of a chat that leave its history with a message; those that wait are cancelled.

    Attributes:
        first: the first of them.
        why: what is told of those that had not ended, as a part of a sentence.
    """

    first: int
    why: str


@record
class Acceptance:
    """Everything that T1 writes.

    Attributes:
        message_id: the id of the prompt, made by the caller; a duplicate keeps the id of the first message.
        channel, account, sender: where the message came from.
        way: how its writer proved who they are: a `Way`, or the channel whose address they wrote from; empty = not
            known.
        source: the network address that it came from; empty = not known, or `sender` is the address.
        dedup_key: messages of one channel and account with the same key are one; None = every message is new.
        dedup_seconds: how long the key counts; None = for ever.
        digest: of the content, to tell a repetition from another message under the same key.
        limit: T1 counts the message, and writes nothing where it is over the limit; None = nothing limits it.
        text: the prompt as stored and shown.
        note: instructions that the model gets besides the prompt.
        context: of a program's request; None = it sent none.
        thread: the mail thread, or the id of the chat on the channel `CHAT`; empty for channels without threads.
        target: what the message is for. REFUSED and COMMAND run no turn: their turn is stored as `cancelled` or
            `completed`, and `refusals` tell the sender.
        reason: why it is for that.
        lane: the queue that runs one turn at a time: the session's id, or "assistant/<user>/<thread>".
        session_id: of Claude Code or, with the target ASSISTANT, of a chat; None = the message is for no session.
        new_session: to be created with the message; None = the session exists. T1 looks for the conversation again, and
            writes nothing where another message began it meanwhile.
        exclusive: no other exclusive turn of `project` may run at the same time.
        reply: where answers go; None = no channel delivers them.
        closes: a code that this message answers and uses up; empty = none.
        raises: an amount that the message adds to a limit; its text then becomes the reason, and the text of each
            refusal.
        acknowledgement: what the sender is told unless the message is queued and `queued` tells it.
        queued: makes the notices to the sender of a message that is queued, from the number of turns ahead of it.
        told_once: the sender of a mail gets no such notice while an earlier mail of theirs waits in the same lane.
        start: start the turn in the same transaction (T2) if the lane and, if exclusive, the project are free.
        identity: the process that gets the prompt then; None = there is none.
        gather: the message may become part of the prompt of the turn before it, while both are pending.
        resumes: the interrupted turn whose work the message continues; None = it continues none.
        attachments: ids of files of the user that the message carries; no message carries them yet.
        title: of the chat that the message is written in, where it has none yet; empty = it gets none.
        supersedes: the turns of the chat that the message replaces; None = it replaces none.
        stops: the running turn of the lane is to end, also after a restart.
    """

    message_id: MessageId
    channel: str
    account: str
    dedup_key: str | None
    digest: str
    user_id: UserId
    sender: Address
    text: str
    note: str = ""
    context: Mapping[str, Any] | None = None
    thread: str = ""
    target: Target
    reason: str
    lane: str
    session_id: SessionId | None = None
    new_session: NewSession | None = None
    project: ProjectName
    exclusive: bool = False
    reply: Reply | None = None
    refusals: Sequence[OutboxDraft] = ()
    dedup_seconds: float | None = None
    limit: RateLimit | None = None
    closes: str = ""
    raises: Raise | None = None
    queued: Callable[[int], Sequence[OutboxDraft]] | None = None
    told_once: bool = True
    acknowledgement: Sequence[OutboxDraft] = ()
    start: bool = False
    identity: ProcessIdentity | None = None
    gather: bool = False
    resumes: int | None = None
    title: str = ""
    attachments: Sequence[str] = ()
    supersedes: Superseding | None = None
    stops: bool = False
    way: str = ""
    source: str = ""
    now_ms: int


@record
class Accepted:
    """The result of T1.

    Attributes:
        duplicate: another message holds the key: `message_id` is that message's id, and nothing was written.
        same: the duplicate has the digest of the first message.
        started: the turn, if T2 shared the commit; None = it is pending, or there is nothing to run.
        moved: the conversation that the message was to begin exists: nothing was written, and the caller looks again.
        wait_ms: milliseconds until the person may send again: the message is over a limit, and nothing was written.
        taken: another node acts on the message at this moment, and nothing was written.
        replaced: the turns that it replaces and that had not ended, as they were; pending ones are cancelled now.
    """

    message_id: MessageId
    duplicate: bool = False
    same: bool = True
    started: Turn | None = None
    moved: bool = False
    wait_ms: int = 0
    taken: bool = False
    replaced: Sequence[Turn] = ()

    @property
    def written(self) -> bool:
        """Whether T1 has written the message."""
        return not (self.duplicate or self.moved or self.wait_ms or self.taken)
