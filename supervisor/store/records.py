"""What the store takes and gives: plain values, times in milliseconds UTC, money in nanodollars."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from supervisor.protocol.codes import CodeKind
from supervisor.protocol.conversation import ProcessIdentity, Tokens
from supervisor.protocol.messages import (
    Address,
    MessageId,
    OutboxId,
    ProjectName,
    Reply,
    SessionId,
    UserId,
)
from supervisor.protocol.status import OutboxState, Role, SessionStatus, Target, TurnState
from supervisor.store.recorded import Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person. `projects` are those given in the database, besides the ones of config.toml."""

    id: UserId
    name: str
    role: Role
    addresses: tuple[Address, ...] = ()
    projects: tuple[ProjectName, ...] = ()
    created_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A credential's record; the token itself is stored nowhere, only its SHA-256.

    Attributes:
        name: of the service, or the user's id.
        user_id: the one user it speaks for; None = a service, which may act for every user.
    """

    id: int
    name: str
    user_id: UserId | None
    created_ms: int
    expires_ms: int | None
    revoked_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A Claude Code session as stored.

    Attributes:
        conversation_id: the UUID that Claude Code gets.
        thread: the mail thread it belongs to; empty for the one conversation of a user in a project.
        started: whether Claude Code has ever got a prompt in it, so that there is something to resume.
        end_reason: value of `EndReason`, or a sentence for `error`; empty while it is live.
        shared: with all users of its project; `user_id` is who began it.
    """

    id: SessionId
    user_id: UserId
    project: ProjectName
    project_path: str
    conversation_id: str
    thread: str
    status: SessionStatus
    end_reason: str
    started: bool
    cost_nanos: int
    message_count: int
    started_ms: int
    ended_ms: int | None
    activity_ms: int
    metadata: Mapping[str, Any] = field(default_factory=dict)
    shared: bool = False

    @property
    def resumes_by_itself(self) -> bool:
        """Whether the next message starts the session again, or only a `claude_code_connect` does."""
        return self.status.resumes_by_itself(self.end_reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """A session to be created in the same transaction as its first message."""

    id: SessionId
    user_id: UserId
    project: ProjectName
    project_path: str
    conversation_id: str
    thread: str = ""
    shared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxDraft:
    """A reply to be written in the same transaction as what caused it.

    Attributes:
        text: None = the answer of the turn, which is stored once.
        not_before_ms: earliest time of the first try.
    """

    id: OutboxId
    reply: Reply
    text: str | None
    not_before_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Raise:
    """What a message adds to a limit, in the transaction that accepts it: so once, however often it is handed in.

    Attributes:
        scope, key, day: which limit, as in `Spent`.
        nanos: nanodollars to add.
        most: nanodollars that may be added to it in all; what would be more adds nothing.
        told: what the sender is told, by what was added in all, in nanodollars, and whether this was.
    """

    scope: str
    key: str
    day: int
    nanos: int
    most: int
    told: Callable[[int, bool], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Everything T1 writes.

    Attributes:
        message_id: of the prompt, made by the caller; a duplicate gets the first one's instead.
        dedup_key: None = every repetition is a new message.
        dedup_seconds: how long the key counts; None = for ever.
        lane: what runs one turn at a time: the session's id, or "assistant/<user>/<thread>".
        exclusive: no other exclusive turn of `project` may run at the same time.
        text: the prompt as stored and shown.
        note: what the model is told besides.
        target: REFUSED and COMMAND write `refusals` (what the person is told) instead of a turn that could run: their
            turn is `cancelled` or `completed` at once.
        closes: a code that this message answers; it counts no more.
        raises: what it adds to a limit; what that told is then the reason, and the text of each of `refusals`.
        queued: the notices to a sender whose message waits, by how many turns are ahead of it.
        gather: it may be gathered into the prompt of the turn before it, where that waits as well.
        start: run at once in the same transaction when nothing of the lane (and project) is waiting or running.
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
    closes: str = ""
    raises: Raise | None = None
    queued: Callable[[int], Sequence[OutboxDraft]] | None = None
    start: bool = False
    identity: ProcessIdentity | None = None
    gather: bool = False
    now_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A turn with the prompt that it answers.

    Attributes:
        id: internal number, in the order of acceptance.
        message_id: of the prompt; the turn's name outside.
        attempts: how often it was started before.
        renamed: how often its prompt was given anew under another id, because an answer had begun.
        gather: it may be gathered with the one before it.
        gathered: the turns whose texts its prompt holds too, in order.
    """

    id: int
    message_id: MessageId
    lane: str
    target: Target
    reason: str
    state: TurnState
    user_id: UserId
    session_id: SessionId | None
    project: ProjectName
    exclusive: bool
    channel: str
    thread: str
    text: str
    note: str
    context: Mapping[str, Any] | None
    reply: Reply | None
    accepted_ms: int
    attempts: int = 0
    renamed: int = 0
    identity: ProcessIdentity | None = None
    gather: bool = False
    gathered: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What T1 did.

    Attributes:
        duplicate: the key was known: `message_id` is the first one's, and nothing was written.
        same: the duplicate's digest equals the first one's.
        started: the turn, where it runs already (T2 shared the commit).
    """

    message_id: MessageId
    duplicate: bool = False
    same: bool = True
    started: Turn | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Something that cost money, for the ledger.

    Attributes:
        ref: makes it unique: the call's id, or the outbox id with a running number; the same ref is written once.
        kind: "model", "sms", ...
        model: the model's name, or what was bought.
        nanos: None = unpriced: it counts with 0 and is shown as unpriced.
        estimated: the figure may be off (a call that was cut).
        channel: the channel of the message that caused it.
    """

    ref: str
    kind: str
    model: str
    tokens: Tokens = field(default_factory=Tokens)
    nanos: int | None
    estimated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCode:
    """A code that a turn's end issues, and the replies that tell it.

    Attributes:
        ref: the id of what it stands for.
        notices: the replies by the code, which is made in the transaction.
        footed: they get the outcome's footer.
    """

    kind: CodeKind
    ref: str
    until_ms: int
    notices: Callable[[str], Sequence[OutboxDraft]]
    footed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Everything T3 writes. The charges journalled for the turn so far are posted with it.

    Attributes:
        answer: Markdown; the partial text where the turn did not complete.
        why: a sentence where it did not complete.
        provider_nanos: the connector's own figure, kept beside ours; None where it has none.
        files_changed: of its project, by the turn; None = nobody has looked.
        recorded: how the turn left its project's folder; None = it was not about to change anything.
        charges: besides the journalled ones.
        replies: outbox rows.
        asking: a question to the person, besides `replies`.
        footer: the last line of what is told besides, by the whole outcome and the turn's cost; None = there is none.
        session_status: the status that the session gets, None = unchanged.
        session_reason: why it gets it; empty = `why`.
        hosts: other turns are part of it: the first of them runs in its place from now on.
    """

    state: TurnState
    answer: str = ""
    why: str = ""
    stop_reason: str = ""
    duration_ms: int = 0
    provider_nanos: int | None = None
    files_changed: int | None = None
    recorded: Recorded | None = None
    charges: Sequence[Charge] = ()
    replies: Sequence[OutboxDraft] = ()
    asking: IssuedCode | None = None
    footer: Callable[[Outcome, int], str] | None = None
    session_status: SessionStatus | None = None
    session_reason: str = ""
    hosts: bool = False
    now_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What T3 wrote: the turn's cost and tokens, and the id of the stored answer (None for the assistant).

    Attributes:
        following: the part of the turn that runs in its place now.
    """

    cost_nanos: int
    tokens: Tokens
    unpriced: bool
    answer_id: MessageId | None
    following: Turn | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A turn as it ended, or as it stands: what `GET /api/messages/{id}` and a repetition answer."""

    turn: Turn
    answer: str
    answer_id: MessageId | None
    why: str
    stop_reason: str
    duration_ms: int
    cost_nanos: int
    tokens: Tokens
    ended_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """A row of `claude_code_messages`.

    Attributes:
        user_id: who wrote it; None for an answer.
    """

    id: MessageId
    direction: str
    message: str
    timestamp_ms: int
    cost_nanos: int | None
    status: str
    context: Mapping[str, Any] | None
    user_id: UserId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """A reply on its way."""

    id: OutboxId
    state: OutboxState
    channel: str
    account: str
    to: Address
    text: str
    meta: Mapping[str, Any]
    attempts: int
    not_before_ms: int
    sending_ms: int | None
    created_ms: int
    provider_id: str | None
    note: str
    user_id: UserId | None
    message_id: MessageId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastExchange:
    """Where a user's last exchange with Claude Code on a channel was."""

    session_id: SessionId
    project: ProjectName
    answered_ms: int
