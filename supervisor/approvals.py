"""Questions to people about a tool call: asked, waited for, answered once; no answer is a no."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Collection

from supervisor.approvers import Approvers, Way
from supervisor.hub import Hub
from supervisor.permissions import Asking, Risk, summary
from supervisor.protocol.conversation import ToolCall, Verdict
from supervisor.protocol.errors import ApprovalClosed, NotAllowed
from supervisor.protocol.events import ApprovalRequested, ApprovalResolved
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import OutboxId, SessionId
from supervisor.protocol.texts import well_formed
from supervisor.protocol.times import Clock, now_ms, rfc3339
from supervisor.store.port import Store
from supervisor.store.ports.approvals import Approval, ApprovalState, NewApproval
from supervisor.store.records import OutboxDraft, Session, Turn

REDEEMED_MS = 3_600_000
"""How long a yes to a question of a turn that a restart cut off waits for the call to be made again."""

MAX_MINUTES = 120
"""The longest time for which one yes counts."""

FORGEABLE = frozenset({"sms", "mail"})
"""Channels by which somebody else may write in a person's name."""

SHOWN_CHARACTERS = 240
"""How much of a command a question shows; it says how much it leaves out."""


class Approvals:
    """Asks people, and wakes the tool calls that wait for them.

    Args:
        replied: told the channel of every question that was put in the outbox.
        epoch: of this start of the daemon: what an earlier one asked allows nothing.
        expires_seconds: how long a question is open.
        high_risks: which, asked for by a forgeable channel, need a yes by another one.

    Attributes:
        stopping: the daemon stops: what is open now is kept for its next start.
    """

    def __init__(
        self,
        *,
        store: Store,
        hub: Hub,
        approvers: Approvers,
        replied: Callable[[str], None],
        epoch: int,
        expires_seconds: float,
        high_risks: Collection[Risk],
        clock: Clock = now_ms,
    ) -> None:
        self.approvers = approvers
        self._store = store
        self._hub = hub
        self._replied = replied
        self._epoch = epoch
        self._expires_seconds = expires_seconds
        self._high_risks = frozenset(high_risks)
        self._clock = clock
        self.stopping = False
        self._waiting: dict[str, tuple[SessionId, asyncio.Event]] = {}

    def guarded(self, channel: str) -> frozenset[Risk]:
        """Return which calls of a turn are asked about even where the project allows everything."""
        return self._high_risks if channel in FORGEABLE else frozenset()

    def needs_second_factor(self, approval: NewApproval, channel: str) -> bool:
        """Return whether a yes by a channel is not enough: another may be forged as the first was."""
        return approval.risk in self._high_risks and channel in FORGEABLE and approval.channel == channel

    async def decide(self, call: ToolCall, asking: Asking, session: Session, turn: Turn) -> Verdict:
        """Ask whoever may answer, and wait; a no where nobody can be asked.

        Raises:
            StorageError: nothing may run.
        """
        now = self._clock()
        scope = (turn.user_id, session.project, call.name, asking.risk)
        if await self._store.approvals.granted(*scope, now_ms=now):
            return Verdict(allowed=True)
        content = digest(call, session, again=True)
        since = now - REDEEMED_MS
        if await self._store.approvals.redeem(session.id, content, since_ms=since, now_ms=now):
            return Verdict(allowed=True)
        ways = self.approvers.ways(turn)
        if ways is None:
            return Verdict(allowed=False, reason=asking.reason)
        new = NewApproval(
            id=uuid7(),
            turn_id=turn.id,
            session_id=session.id,
            user_id=turn.user_id,
            project=session.project,
            tool_use_id=call.tool_use_id,
            tool=call.name,
            risk=asking.risk,
            channel=turn.channel,
            call_sha256=digest(call, session),
            content_sha256=content,
            summary=summary(call),
            expires_ms=now + round(self._expires_seconds * 1000),
        )
        answered = asyncio.Event()
        self._waiting[new.id] = (session.id, answered)
        try:
            approval = await self._store.approvals.ask(
                new, lambda code: [self._draft(call, session, new, way, code) for way in ways], now_ms=now
            )
            if approval is None:
                return Verdict(allowed=False, reason=asking.reason)
            if approval.id != new.id:
                again = f"{new.summary} was asked about before and may already have run; check before you repeat it"
                return Verdict(allowed=False, reason=again)
            for way in ways:
                self._replied(way.reply.channel)
            self._announce(approval)
            return await self._answer_to(approval, answered)
        except asyncio.CancelledError:
            if self.stopping:
                raise  # the next start of the daemon keeps it
            await asyncio.shield(self._store.approvals.close(new.id, ApprovalState.WITHDRAWN, now_ms=self._clock()))
            raise
        finally:
            del self._waiting[new.id]

    def turn_ended(self, session_id: SessionId) -> None:
        """Withdraw the questions of a session whose turn is over."""
        for asking, answered in self._waiting.values():
            if asking == session_id:
                answered.set()

    def asked_in(self, session_id: SessionId) -> bool:
        """Return whether a question of a session is open."""
        return any(asking == session_id for asking, _ in self._waiting.values())

    async def resolve(self, approval: Approval, *, allow: bool, by: str, way: str, minutes: int = 0) -> None:
        """Decide a question, once; a no beats a yes until the call was let through.

        Args:
            by, way: who decides, and by which channel: for the audit trail.
            minutes: for how long calls of the same tool and risk in the project are allowed besides.

        Raises:
            ApprovalClosed: it cannot be decided any more.
            NotAllowed: a yes by this way is not enough.
        """
        if allow and self.needs_second_factor(approval, way):
            raise NotAllowed(f"this one needs a yes by another way than {way}", "or YES, its code and your passphrase")
        await self.resolve_proven(approval, allow=allow, by=by, way=way, minutes=minutes)

    async def resolve_proven(self, approval: Approval, *, allow: bool, by: str, way: str, minutes: int = 0) -> None:
        """Decide a question as somebody who needs no further proof.

        Raises:
            ApprovalClosed: it cannot be decided any more.
        """
        now = self._clock()
        if allow:
            done = await self._store.approvals.allow(approval.id, by, way=way, minutes=minutes, now_ms=now)
        else:
            done = await self._store.approvals.deny(approval.id, by, way=way, now_ms=now)
        if not done:
            raise ApprovalClosed(await self._why_not(approval))
        if (waiting := self._waiting.get(approval.id)) is not None:
            waiting[1].set()
        self._resolved(approval, allowed=allow)

    async def _answer_to(self, approval: Approval, answered: asyncio.Event) -> Verdict:
        """Wait for the answer to a question, and let its call through where it is a yes."""
        state = ApprovalState.WITHDRAWN
        try:
            async with asyncio.timeout(max(0.0, (approval.expires_ms - self._clock()) / 1000)):
                await answered.wait()
        except TimeoutError:
            state = ApprovalState.EXPIRED
        store = self._store.approvals
        if await store.consume(approval.id, approval.call_sha256, now_ms=self._clock()):
            return Verdict(allowed=True)
        if self.stopping and await store.of_turn(approval.turn_id, now_ms=self._clock()) is not None:
            return Verdict(allowed=False, reason=f"{approval.summary} was not run: the daemon stops")
        if await store.close(approval.id, state, now_ms=self._clock()):
            self._resolved(approval, allowed=False)
            why = "nobody answered in time" if state is ApprovalState.EXPIRED else "its turn ended first"
        else:
            why = "the person said no"
        return Verdict(allowed=False, reason=f"{approval.summary} was not run: {why}")

    async def _why_not(self, stale: Approval) -> str:
        """Say why a question cannot be answered any more."""
        approval = await self._store.approvals.find(stale.code) or stale
        match approval.state:
            case ApprovalState.OPEN if approval.epoch != self._epoch:
                return f"{approval.code} was asked before a restart; its turn is over. Nothing was allowed"
            case ApprovalState.ALLOWED:
                return f"{approval.code} was allowed before{' and has been used' if approval.consumed else ''}"
            case ApprovalState.DENIED:
                return f"{approval.code} was denied before. Nothing was allowed"
            case ApprovalState.WITHDRAWN:
                return f"{approval.code} counts no more: its turn is over. Nothing was allowed"
            case _:
                return f"{approval.code} has expired. Nothing was allowed"

    def _draft(self, call: ToolCall, session: Session, new: NewApproval, way: Way, code: str) -> OutboxDraft:
        """Return what one person is told of a question."""
        if not way.answers:
            text = f"[{session.project}] {new.summary} waits for somebody's approval"
        else:
            second = self.needs_second_factor(new, way.reply.channel)
            asker = "" if way.own else new.user_id
            text = _question(call, session, code, self._expires_seconds, asker=asker, second_factor=second)
        return OutboxDraft(id=OutboxId(uuid7()), reply=way.reply, text=text)

    def _announce(self, approval: Approval) -> None:
        event = ApprovalRequested(
            approval_id=approval.id,
            session_id=approval.session_id,
            user_id=approval.user_id,
            tool=approval.tool,
            summary=approval.summary,
            expires_at=rfc3339(approval.expires_ms),
        )
        self._hub.publish(event, self.approvers.topics(approval.project, approval.user_id))

    def _resolved(self, approval: Approval, *, allowed: bool) -> None:
        event = ApprovalResolved(approval_id=approval.id, decision="allow" if allowed else "deny")
        self._hub.publish(event, self.approvers.topics(approval.project, approval.user_id))


def digest(call: ToolCall, session: Session, *, again: bool = False) -> bytes:
    """Return the SHA-256 of a whole call, the folder and the session that it is made in.

    Args:
        again: without the ids of the call and of its agent: they are others when the call is made again.
    """
    ids = [] if again else [call.tool_use_id, call.agent_id]
    whole = [session.id, session.project_path, *ids, call.name, call.input]
    return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).digest()


def _question(call: ToolCall, session: Session, code: str, seconds: float, *, asker: str, second_factor: bool) -> str:
    """Return what a person is asked."""
    what = summary(call)
    if isinstance(command := call.input.get("command"), str):
        whole = " ".join(f"{call.name} {command}".split())
        left_out = len(whole) - SHOWN_CHARACTERS
        what = whole[:SHOWN_CHARACTERS] + (f"... ({left_out} characters more)" if left_out > 0 else "")
    who = f" for {asker}" if asker else ""
    text = f"[{session.project}] May it run{who}: {what}\nin {session.project_path}? YES {code} or NO {code}"
    proof = "; a yes by this way needs your passphrase behind the code" if second_factor else ""
    return well_formed(f"{text}, within {max(1, round(seconds / 60))} min{proof}")
