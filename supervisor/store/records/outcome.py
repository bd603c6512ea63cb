"""T3: everything that it writes, and what it did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from supervisor.protocol.codes import CodeKind
from supervisor.protocol.conversation import Tokens
from supervisor.protocol.messages import MessageId
from supervisor.protocol.status import SessionStatus, TurnState
from supervisor.store.records.changes import Recorded
from supervisor.store.records.charge import Charge
from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.records.turn import Turn


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
