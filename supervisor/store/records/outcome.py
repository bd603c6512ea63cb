"""T3: everything that it writes, and its result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field

from supervisor.protocol.codes import CodeKind
from supervisor.protocol.conversation import Tokens
from supervisor.protocol.messages import MessageId, UserId
from supervisor.protocol.status import SessionStatus, TurnState
from supervisor.protocol.values.record import record
from supervisor.store.records.changes import Recorded
from supervisor.store.records.charge import Charge
from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.records.turn import Turn


@record
class IssuedCode:
    """A code that T3 issues, and the replies that tell it to a person.

    Attributes:
        ref: the id of what the code stands for.
        until_ms: when the code expires.
        notices: makes the replies from the code, which T3 chooses.
        footed: the replies get the outcome's footer.
        shown: makes the sentence that the conversation shows instead of `Outcome.why`, for a person who reads there;
            then there are no notices. None = the person is told by the notices.
    """

    kind: CodeKind
    ref: str
    until_ms: int
    notices: Callable[[str], Sequence[OutboxDraft]]
    footed: bool = False
    shown: Callable[[str], str] | None = None


@record
class OtherNotice:
    """What T3 tells the sender of another turn.

    Attributes:
        turn_id, user_id: of the other turn.
    """

    turn_id: int
    user_id: UserId
    draft: OutboxDraft


@record
class Outcome:
    """Everything that T3 writes. T3 also posts the charges that were journalled while the turn ran.

    Attributes:
        state: a final state of the turn.
        answer: Markdown; a partial answer if the turn did not complete.
        why: a sentence if the turn did not complete; else empty.
        stop_reason: as the Messages API names it; empty = unknown.
        duration_ms: how long the turn ran, in milliseconds.
        provider_nanos: the connector's own figure, kept beside ours; None = it has none.
        files_changed: files of the project that the turn changed; None = not counted.
        recorded: how the turn left the project's folder; None = the turn was not going to change files.
        charges: those that are not in the journal.
        replies: to be written to the outbox.
        asking: a question to the person, with a code, besides `replies`; None = there is none.
        others: notices to the senders of other turns.
        footer: makes the last line of each reply, from the outcome and the turn's cost in nanodollars; None = no line.
        session_status: the session's new status; None = it stays.
        session_reason: why the session gets it; empty = `why`.
        hosts: other turns are part of this one; the first of them runs in its place from now on.
        includes: the numbers of those that end with it.
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
    others: Sequence[OtherNotice] = ()
    footer: Callable[[Outcome, int], str] | None = None
    session_status: SessionStatus | None = None
    session_reason: str = ""
    hosts: bool = False
    includes: Sequence[int] = ()
    now_ms: int


@record
class Settled:
    """The result of T3.

    Attributes:
        cost_nanos, tokens: of the whole turn.
        unpriced: one of its charges has no price.
        answer_id: the id of the stored answer; None for a turn of the assistant.
        following: the turn that runs in its place from now on; None = there is none.
        delegated_nanos, delegated_tokens: of the tasks that the turn gave Claude Code.
    """

    cost_nanos: int
    tokens: Tokens
    unpriced: bool
    answer_id: MessageId | None
    following: Turn | None = None
    delegated_nanos: int = 0
    delegated_tokens: Tokens = field(default_factory=Tokens)
