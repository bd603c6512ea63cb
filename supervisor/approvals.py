"""Questions to people about a tool call: asked, waited for, answered by YES CODE or NO CODE; no answer is a no."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Collection

from supervisor.commands import Answer, Asker
from supervisor.hub import Hub
from supervisor.permissions import Asking, Risk, summary
from supervisor.protocol.conversation import ToolCall, Verdict
from supervisor.protocol.events import ApprovalRequested, ApprovalResolved
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import OutboxId, Reply, SessionId
from supervisor.protocol.texts import well_formed
from supervisor.protocol.times import Clock, now_ms, rfc3339
from supervisor.store.port import Store
from supervisor.store.ports.approvals import Approval, ApprovalState, NewApproval
from supervisor.store.records import OutboxDraft, Session
from supervisor.words import Command, Word

EXPIRES_SECONDS = 900.0
"""How long a question is open; no answer is a no."""

MAX_MINUTES = 120
"""The longest time for which one yes counts."""

HIGH_RISKS = frozenset({Risk.OUTSIDE, Risk.NETWORK})
"""Calls that the way they were asked for by may not allow alone, where senders can be forged."""

FORGEABLE = frozenset({"sms", "mail"})
"""Kinds of addresses that somebody else may write as."""

ONE_ANSWER = frozenset({"socket"})
"""Channels on which each message has one answer: a question would be taken for it, and is not asked there."""

SHOWN_CHARACTERS = 240
"""How much of a command a question shows; it says how much it leaves out."""


class Approvals:
    """Asks people, and wakes the tool calls that wait for them. It handles the words YES and NO.

    Args:
        replied: told the channel of every question that was put in the outbox.
        epoch: of this start of the daemon: what an earlier one asked allows nothing.
        high_risks: which need another kind of address than the one that asked.
    """

    words = frozenset({Word.YES, Word.NO})

    def __init__(
        self,
        *,
        store: Store,
        hub: Hub,
        replied: Callable[[str], None],
        epoch: int,
        expires_seconds: float = EXPIRES_SECONDS,
        high_risks: Collection[Risk] = HIGH_RISKS,
        clock: Clock = now_ms,
    ) -> None:
        self._store = store
        self._hub = hub
        self._replied = replied
        self._epoch = epoch
        self._expires_seconds = expires_seconds
        self._high_risks = frozenset(str(risk) for risk in high_risks)
        self._clock = clock
        self._waiting: dict[str, tuple[SessionId, asyncio.Event]] = {}

    async def decide(self, call: ToolCall, asking: Asking, session: Session, turn_id: int) -> Verdict:
        """Ask the person whose turn it is, and wait; a no where they cannot be asked.

        Raises:
            StorageError: nothing may run.
        """
        now = self._clock()
        scope = (session.user_id, session.project, call.name, asking.risk)
        if await self._store.approvals.granted(*scope, now_ms=now):
            return Verdict(allowed=True)
        new = NewApproval(
            id=uuid7(),
            turn_id=turn_id,
            session_id=session.id,
            user_id=session.user_id,
            project=session.project,
            tool_use_id=call.tool_use_id,
            tool=call.name,
            risk=asking.risk,
            call_sha256=digest(call, session),
            summary=summary(call),
            expires_ms=now + round(self._expires_seconds * 1000),
        )
        told: list[str] = []

        def question(code: str, reply: Reply) -> OutboxDraft:
            told.append(reply.channel)
            text = _question(call, session, code, self._expires_seconds)
            return OutboxDraft(id=OutboxId(uuid7()), reply=reply, text=text)

        answered = asyncio.Event()
        self._waiting[new.id] = (session.id, answered)
        try:
            approval = await self._store.approvals.ask(new, question, but=ONE_ANSWER, now_ms=now)
            if approval is None:
                return Verdict(allowed=False, reason=asking.reason)
            if approval.id != new.id:
                again = f"{new.summary} was asked about before and may already have run; check before you repeat it"
                return Verdict(allowed=False, reason=again)
            for channel in told:
                self._replied(channel)
            self._announce(approval)
            return await self._answer_to(approval, answered)
        except asyncio.CancelledError:
            await asyncio.shield(self._store.approvals.close(new.id, ApprovalState.WITHDRAWN, now_ms=self._clock()))
            raise
        finally:
            del self._waiting[new.id]

    def turn_ended(self, session_id: SessionId) -> None:
        """Withdraw the questions of a session whose turn is over."""
        for asking, answered in self._waiting.values():
            if asking == session_id:
                answered.set()

    async def answer(self, command: Command, asker: Asker) -> Answer:
        """Carry out YES CODE, YES CODE MINUTES or NO CODE."""
        approval = await self._store.approvals.find(command.code)
        shown = None
        if command.rest and not _minutes(command.rest):
            shown = f"{command.word} {command.code} (the rest is not kept)"
        if approval is None or approval.user_id != asker.user.id:
            text = f"Nothing of yours waits under {command.code}. Nothing was allowed."
        elif command.word is Word.NO:
            text = await self._deny(approval, asker)
        else:
            text = await self._allow(approval, command.rest, asker)
        return Answer(text=text, shown=shown)

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
        if await store.close(approval.id, state, now_ms=self._clock()):
            self._resolved(approval, allowed=False)
            why = "nobody answered in time" if state is ApprovalState.EXPIRED else "its turn ended first"
        else:
            why = "the person said no"
        return Verdict(allowed=False, reason=f"{approval.summary} was not run: {why}")

    async def _allow(self, approval: Approval, rest: str, asker: Asker) -> str:
        minutes = _minutes(rest) if rest else 0
        if minutes is None:
            return (
                f"Write YES {approval.code}, or YES {approval.code} 30 for 30 minutes (at most {MAX_MINUTES}). "
                "Nothing was allowed."
            )
        if approval.risk in self._high_risks and approval.channel in FORGEABLE & {asker.sender.kind}:
            return f"This one needs your yes by another way than {approval.channel}. Nothing was allowed yet."
        now = self._clock()
        if not await self._store.approvals.allow(approval.id, asker.user.id, minutes=minutes, now_ms=now):
            return await self._why_not(approval)
        self._wake(approval)
        self._resolved(approval, allowed=True)
        longer = f", and {approval.tool} in {approval.project} for {minutes} minutes" if minutes else " once"
        return f"Allowed{longer}: {approval.summary}"

    async def _deny(self, approval: Approval, asker: Asker) -> str:
        if not await self._store.approvals.deny(approval.id, asker.user.id, now_ms=self._clock()):
            return await self._why_not(approval)
        self._wake(approval)
        self._resolved(approval, allowed=False)
        return f"Denied: {approval.summary}"

    async def _why_not(self, stale: Approval) -> str:
        """Say why a question cannot be answered any more."""
        approval = await self._store.approvals.find(stale.code) or stale
        match approval.state:
            case ApprovalState.OPEN if approval.epoch != self._epoch:
                return f"{approval.code} was asked before a restart; its turn is over. Nothing was allowed."
            case ApprovalState.ALLOWED:
                return f"{approval.code} was allowed before{' and has been used' if approval.consumed else ''}."
            case ApprovalState.DENIED:
                return f"{approval.code} was denied before. Nothing was allowed."
            case ApprovalState.WITHDRAWN:
                return f"{approval.code} counts no more: its turn is over. Nothing was allowed."
            case _:
                return f"{approval.code} has expired. Nothing was allowed."

    def _wake(self, approval: Approval) -> None:
        if (waiting := self._waiting.get(approval.id)) is not None:
            waiting[1].set()

    def _announce(self, approval: Approval) -> None:
        event = ApprovalRequested(
            approval_id=approval.id,
            session_id=approval.session_id,
            user_id=approval.user_id,
            tool=approval.tool,
            summary=approval.summary,
            expires_at=rfc3339(approval.expires_ms),
        )
        self._hub.publish(event, ("approvals",))

    def _resolved(self, approval: Approval, *, allowed: bool) -> None:
        event = ApprovalResolved(approval_id=approval.id, decision="allow" if allowed else "deny")
        self._hub.publish(event, ("approvals",))


def digest(call: ToolCall, session: Session) -> bytes:
    """Return the SHA-256 of a whole call, the folder and the session that it is made in."""
    whole = [session.id, session.project_path, call.tool_use_id, call.agent_id, call.name, call.input]
    return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).digest()


def _minutes(rest: str) -> int | None:
    """Return for how long a yes counts; None = that is no time for one."""
    bare = rest.strip().removesuffix(".")
    if not (bare.isascii() and bare.isdecimal() and len(bare) <= len(str(MAX_MINUTES))):
        return None
    return int(bare) if 1 <= int(bare) <= MAX_MINUTES else None


def _question(call: ToolCall, session: Session, code: str, seconds: float) -> str:
    """Return what a person is asked."""
    what = summary(call)
    if isinstance(command := call.input.get("command"), str):
        whole = " ".join(f"{call.name} {command}".split())
        left_out = len(whole) - SHOWN_CHARACTERS
        what = whole[:SHOWN_CHARACTERS] + (f"... ({left_out} characters more)" if left_out > 0 else "")
    text = f"[{session.project}] May it run: {what}\nin {session.project_path}? YES {code} or NO {code}"
    return well_formed(f"{text}, within {max(1, round(seconds / 60))} min")
