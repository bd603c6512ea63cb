"""The `Store` port: what the daemon asks of a database. No engine is named here.

Every method is one transaction and returns after its commit; every one raises `StorageError` when the database
refuses. Rows that a running node writes carry its epoch, and each change of a turn checks it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from supervisor.protocol.conversation import ProcessIdentity
from supervisor.protocol.messages import (
    Address,
    Delivery,
    MessageId,
    OutboxId,
    ProjectName,
    SessionId,
    UserId,
)
from supervisor.protocol.status import EndReason, OutboxState, SessionStatus
from supervisor.store.ports.approvals import ApprovalStore
from supervisor.store.ports.audit import AuditStore
from supervisor.store.ports.budgets import BudgetStore
from supervisor.store.ports.changes import ChangeStore
from supervisor.store.ports.codes import CodeStore
from supervisor.store.ports.costs import CostLine, CostQuery
from supervisor.store.ports.passphrases import PassphraseStore
from supervisor.store.records import (
    Acceptance,
    Accepted,
    Charge,
    LastExchange,
    NewSession,
    OutboxDraft,
    OutboxRow,
    Outcome,
    Result,
    Session,
    Settled,
    StoredMessage,
    Token,
    Turn,
    User,
)

Notices = Callable[[Turn], Sequence[OutboxDraft]]


class AccountStore(Protocol):
    """Users, their addresses and projects, and tokens."""

    async def users(self) -> list[User]:
        """Return all users that were not removed, by id."""

    async def put_user(self, user: User, *, now_ms: int) -> None:
        """Create a user, or replace their name, role, addresses and projects.

        Raises:
            NotAllowed: an address belongs to another user.
        """

    async def remove_user(self, user_id: UserId, *, now_ms: int) -> bool:
        """Remove a user's rights, addresses and tokens; what they wrote and spent stays. False = no such user."""

    async def add_token(
        self, sha256: bytes, name: str, user_id: UserId | None, *, now_ms: int, expires_ms: int | None
    ) -> Token:
        """Store a token's hash."""

    async def tokens(self) -> list[tuple[bytes, Token]]:
        """Return all tokens with their hashes, revoked ones too."""

    async def revoke_token(self, token_id: int, *, now_ms: int) -> bool:
        """Revoke a token; False = no such token."""


class TurnStore(Protocol):
    """The three transactions that change a message's state, and what is read about turns."""

    async def accept(self, acceptance: Acceptance, *, orphaned: Callable[[Accepted], None] | None = None) -> Accepted:
        """T1: inbox row, turn, Claude Code message, session where new, refusals, audit.

        Args:
            orphaned: gets what was accepted where the caller was cancelled while it was being written.
        """

    async def known(self, channel: str, account: str, dedup_key: str, digest: str) -> Accepted | None:
        """Return a message as the repetition of the one that was accepted under its key before, or None."""

    async def start_next(self, lane: str, identity: ProcessIdentity | None, *, now_ms: int) -> Turn | None:
        """T2: take the oldest pending turn of a lane and mark it running under this epoch.

        None: nothing is pending, one runs already, or its project has another exclusive turn running. What may be
        gathered with it, and waits right behind it, becomes part of it.
        """

    async def finish(self, turn_id: int, outcome: Outcome) -> Settled | None:
        """T3: outcome, answer, charges, rollups, outbox, audit; None = not running under this epoch.

        It is written also where the caller is cancelled meanwhile.
        """

    async def join(
        self,
        message_id: MessageId,
        host_id: int | None,
        *,
        joined: Sequence[OutboxDraft],
        queued: Callable[[int], Sequence[OutboxDraft]],
        now_ms: int,
    ) -> Turn | None:
        """Make a message's turn part of one that runs (None = of none) where it is next in line; None = it is not.

        Its sender gets `joined`, or where it goes on waiting `queued`, by how many turns are ahead of it.
        """

    async def requeue(self, turn_id: int, *, rename: bool = False, now_ms: int) -> bool:
        """Put a turn that certainly changed nothing back to pending; False = not running under this epoch.

        Args:
            rename: its prompt is given under another id, because an answer to it had begun.
        """

    async def cancel_pending(
        self, lane: str, why: str, *, of: UserId | None = None, notices: Notices | None = None, now_ms: int
    ) -> list[Turn]:
        """Cancel what waits in a lane, of one user or of all; `notices` gives what the person of each is told."""

    async def cancel(self, turn_id: int, why: str, replies: Sequence[OutboxDraft], *, now_ms: int) -> bool:
        """Cancel one waiting turn with notices for its person; False = not waiting any more."""

    async def waiting_lanes(self) -> list[tuple[str, ProjectName]]:
        """Return the lanes with pending turns, oldest first."""

    async def waiting(self, *, lane: str | None, user_id: UserId | None, limit: int) -> list[Turn]:
        """Return what waits, oldest first: of a lane, of a user, or (None) of all."""

    async def is_waiting(self, lane: str) -> bool:
        """Return whether a lane has a pending turn."""

    async def pending_count(self) -> int:
        """Return how many turns wait."""

    async def unfinished(self) -> list[Turn]:
        """Return the turns that an earlier epoch left running, oldest first."""

    async def adopt(self, turn_id: int) -> bool:
        """Take an earlier epoch's running turn over into this one, so that it can be finished or requeued."""

    async def result(self, message_id: MessageId) -> Result | None:
        """Return what became of a message."""

    async def history(self, session_id: SessionId, *, limit: int, before: MessageId | None) -> list[StoredMessage]:
        """Return the newest `limit` messages of a session before another, oldest first."""

    async def exchanges(self, lane: str, *, limit: int) -> list[tuple[str, str]]:
        """Return the newest completed (prompt, answer) pairs of a lane, oldest first."""

    async def was_cut_off(self, session_id: SessionId) -> bool:
        """Return whether the last turn of a session that has ended was interrupted."""

    async def interruptions(self, session_id: SessionId, *, since_ms: int) -> int:
        """Return how many turns of a session were interrupted after a time."""

    async def record_event(self, turn_id: int, kind: str, payload: dict[str, Any], *, now_ms: int) -> None:
        """Append an event (a tool that started or ended) to a turn that runs under this epoch."""

    async def events(self, turn_id: int) -> list[tuple[str, dict[str, Any]]]:
        """Return the events of a turn, in order."""

    async def last_conversation(self, user_id: UserId, channel: str) -> LastExchange | None:
        """Return where the user's last answer from Claude Code on a channel came from; O(1)."""

    async def last_project(self, user_id: UserId) -> ProjectName | None:
        """Return the project that the user last used with Claude Code, on any channel; O(1)."""


class SessionStore(Protocol):
    """Claude Code sessions."""

    async def create(self, session: NewSession, *, status: SessionStatus, now_ms: int) -> Session:
        """Create a session's record."""

    async def get(self, session_id: SessionId) -> Session | None:
        """Return one session."""

    async def find(self, user_id: UserId, project: ProjectName, thread: str) -> Session | None:
        """Return the newest session of a user, project and thread that was not ended on purpose."""

    async def find_shared(self, project: ProjectName, thread: str) -> Session | None:
        """Return the newest session that a project's users share in a thread and that was not ended on purpose."""

    async def find_in_thread(self, user_id: UserId, thread: str) -> Session | None:
        """Return the newest session of a user in a mail thread that was not ended on purpose."""

    async def list(
        self,
        *,
        user_id: UserId | None = None,
        shared: Sequence[ProjectName] = (),
        active_only: bool = True,
        limit: int = 500,
        before: tuple[int, SessionId] | None = None,
        status: SessionStatus | None = None,
    ) -> list[Session]:
        """Return sessions, newest activity first.

        Args:
            user_id: whose; None = everybody's.
            shared: with those that others share in these projects.
            before: the (activity_ms, id) that ended the page before.
        """

    async def live_count(self, user_id: UserId | None = None) -> int:
        """Return how many sessions are neither disconnected nor in error."""

    async def set_status(
        self,
        session_id: SessionId,
        status: SessionStatus,
        *,
        reason: EndReason | str = "",
        started: bool | None = None,
        conversation_id: str | None = None,
        now_ms: int,
    ) -> Session | None:
        """Write a session's status (and the sentence why it ended); None = no such session."""

    async def set_status_many(
        self, session_ids: Sequence[SessionId], status: SessionStatus, *, reason: EndReason | str = "", now_ms: int
    ) -> None:
        """The same for many, in one transaction."""

    async def end_all(self, reason: EndReason, *, now_ms: int) -> int:
        """At start: no process of an earlier epoch is left; mark every live session disconnected."""


class OutboxStore(Protocol):
    """Replies that leave by a channel."""

    async def add(self, draft: OutboxDraft, *, user_id: UserId | None, now_ms: int) -> None:
        """Write a reply that belongs to no turn (`text` is required), once: of one id, the first stays."""

    async def due(self, channel: str, *, now_ms: int, limit: int) -> list[OutboxRow]:
        """Return the first pending reply to each address of a channel, where its time has come; longest due first.

        One whose outcome is unknown holds up what was written to its address after it.
        """

    async def next_due_ms(self, channel: str) -> int | None:
        """Return when the next pending reply of a channel that is first in its line is due."""

    async def begin(self, outbox_id: OutboxId, *, now_ms: int) -> OutboxRow | None:
        """pending -> sending under this epoch, counting an attempt; None = not pending."""

    async def sent(
        self, outbox_id: OutboxId, provider_id: str, note: str, charges: Sequence[Charge], *, now_ms: int
    ) -> bool:
        """sending -> sent; False = not sending, or the provider id belongs to another reply."""

    async def retry(self, outbox_id: OutboxId, why: str, *, not_before_ms: int, count: bool) -> bool:
        """sending -> pending: certainly not sent; `count=False` gives the attempt back."""

    async def dead(self, outbox_id: OutboxId, why: str, *, now_ms: int) -> bool:
        """Give a pending or sending reply up for good."""

    async def sending(self, channel: str) -> list[OutboxRow]:
        """Return the replies of unknown outcome, oldest first."""

    async def delivered(self, channel: str, delivery: Delivery, *, now_ms: int) -> OutboxRow | None:
        """Apply a provider's report, forward moves only; posts the price once it is known. None = unknown reply."""

    async def wake(self, channel: str, to: Address, *, now_ms: int) -> int:
        """Make the pending replies to an address due now; returns how many."""

    async def find_thread(self, channel: str, provider_ids: Sequence[str]) -> str | None:
        """Return the thread of the turn that a reply with one of these provider ids answered."""

    async def get(self, outbox_id: OutboxId) -> OutboxRow | None:
        """Return a reply, or None."""

    async def last_cut(self, channel: str, to: Address) -> OutboxRow | None:
        """Return the newest reply to an address whose note begins with "more:"; its text is the whole answer."""

    async def counts(self) -> dict[OutboxState, int]:
        """Return how many replies are in each unfinished or dead state."""


class LedgerStore(Protocol):
    """What was spent."""

    async def journal(self, turn_id: int, charge: Charge) -> None:
        """Keep what a call of a running turn has cost so far; the same ref replaces; posted by `Turns.finish`."""

    async def post(self, turn_id: int | None, charge: Charge, *, user_id: UserId | None, now_ms: int) -> bool:
        """Post a charge by itself (it came after the turn's end, or belongs to none); False = the ref is posted."""

    async def cost(self, query: CostQuery) -> tuple[CostLine, list[CostLine]]:
        """Return the total (key "") and the rows of a query; totals never count messages."""

    async def disagreements(self) -> list[str]:
        """Compare the sums of ledger, messages, sessions and rollups; return a sentence per difference."""


class IdempotencyStore(Protocol):
    """Small things kept over restarts: marks of channels, and first answers by Idempotency-Key."""

    async def get_mark(self, name: str) -> int | None:
        """Return a kept number."""

    async def set_mark(self, name: str, value: int) -> None:
        """Keep a number."""

    async def idempotent(self, owner: str, key: str) -> tuple[str, int, str] | None:
        """Return (digest of the request, HTTP status, body) of the first answer, where it is younger than 24 h."""

    async def keep_answer(self, owner: str, key: str, digest: str, status: int, body: str, *, now_ms: int) -> None:
        """Keep the first answer; a later one changes nothing."""


class Store(Protocol):
    """A database, open."""

    @property
    def epoch(self) -> int:
        """The number of this start; every row that a running node writes carries it."""

    @property
    def accounts(self) -> AccountStore:
        """Users, addresses, tokens."""

    @property
    def turns(self) -> TurnStore:
        """Messages and their turns."""

    @property
    def sessions(self) -> SessionStore:
        """Claude Code sessions."""

    @property
    def outbox(self) -> OutboxStore:
        """Replies."""

    @property
    def ledger(self) -> LedgerStore:
        """Costs."""

    @property
    def audit(self) -> AuditStore:
        """The chained record."""

    @property
    def keys(self) -> IdempotencyStore:
        """Marks and kept answers."""

    @property
    def codes(self) -> CodeStore:
        """Codes that people were told."""

    @property
    def approvals(self) -> ApprovalStore:
        """Questions about tool calls."""

    @property
    def budgets(self) -> BudgetStore:
        """What is spent and held under limits."""

    @property
    def passphrases(self) -> PassphraseStore:
        """What people know besides having a phone."""

    @property
    def changes(self) -> ChangeStore:
        """What turns changed in files."""

    async def backup(self, path: Path) -> None:
        """Write a consistent, checked copy.

        Raises:
            StorageError: it could not be written; nothing is left behind.
        """

    async def check(self) -> list[str]:
        """Check integrity, foreign keys and sums; return a sentence per problem."""

    async def purge(self, *, before_ms: int) -> int:
        """Forget keys that no longer count (dedup keys past their time, kept answers); returns how many."""

    async def close(self) -> None:
        """Finish what is queued, checkpoint, close."""
