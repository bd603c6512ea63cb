"""T1: everything that it writes, and what it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from supervisor.protocol.conversation import ProcessIdentity
from supervisor.protocol.messages import Address, MessageId, ProjectName, Reply, SessionId, UserId
from supervisor.protocol.status import Target
from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.records.session import NewSession
from supervisor.store.records.turn import Turn


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
