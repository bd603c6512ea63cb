"""Questions to people about a tool call: asked, waited for, answered once; no answer is a no."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial

from supervisor.approvals.approvers import Approvers, Way
from supervisor.approvals.question import AskingTurn, PendingApproval
from supervisor.delivery.hub import Hub
from supervisor.permissions.paths import link_targets
from supervisor.permissions.policy import NeedsApproval, Risk
from supervisor.permissions.wording import brief, shown, summary
from supervisor.protocol.conversation import ToolCall, Verdict
from supervisor.protocol.errors import ApprovalClosed, NotAllowed, StorageError
from supervisor.protocol.events import ApprovalRequested, ApprovalResolved
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import VERBATIM, OutboxId, SessionId, well_formed
from supervisor.protocol.times import Clock, now_ms, rfc3339
from supervisor.runtime.fair_queue import FairQueue
from supervisor.store.port import Store
from supervisor.store.ports.approvals import Approval, ApprovalState, NewApproval
from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.records.session import Session

logger = logging.getLogger(__name__)

REDEEMED_MS = 3_600_000
"""How long a yes to a question of a turn that a restart cut off waits for the call to be made again."""

MAX_MINUTES = 120
"""The longest time for which one yes counts."""

MAX_NOTE = 1000
"""Characters of why a question was decided so."""

PROVEN = frozenset({"socket", "http", "stream"})
"""Channels on which a token says who writes. By any other somebody else may write in a person's name."""

SAID_OF_IT = {"Bash": frozenset({"description"})}
"""What of a tool's input only explains the call to its reader, and changes nothing of what it does."""

AGAIN_SECONDS = 10.0
"""How long a process that could not be let go waits until that is looked at again."""

MOVED = "where it leads was changed since it was asked"
"""Why a yes allows nothing where a link has taken the place of what was asked about."""


class Approvals:
    """Asks people, and wakes the tool calls that wait for them.

    Args:
        processes: the queue for processes: while somebody waits for one, none is held for an answer.
        epoch: of this start of the daemon: what an earlier one asked allows nothing.
        expires_seconds: how long a question is open.
        hold_seconds: how long a process waits for an answer before it is let go, where that is safe.
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
        processes: FairQueue,
        epoch: int,
        expires_seconds: float,
        hold_seconds: float,
        high_risks: Collection[Risk],
        clock: Clock = now_ms,
    ) -> None:
        self.approvers = approvers
        self._store = store
        self._hub = hub
        self._processes = processes
        self._epoch = epoch
        self._expires_seconds = expires_seconds
        self._hold_seconds = hold_seconds
        self._high_risks = frozenset(high_risks)
        self._clock = clock
        self.stopping = False
        self._waiting: dict[str, PendingApproval] = {}

    def guarded(self, channel: str) -> frozenset[Risk]:
        """Return which calls of a turn are asked about even where the project allows everything."""
        return self._high_risks if channel not in PROVEN else frozenset()

    def needs_second_factor(self, approval: NewApproval, channel: str) -> bool:
        """Return whether a yes by a channel is not enough: another may be forged as the first was."""
        return approval.risk in self._high_risks and channel not in PROVEN and approval.channel == channel

    async def decide(self, call: ToolCall, asking: NeedsApproval, session: Session, running: AskingTurn) -> Verdict:
        """Ask whoever may answer, and wait; a no where nobody can be asked.

        Where the process that makes the call is let go meanwhile, this is cancelled, and `outcome` knows the answer.

        Raises:
            StorageError: nothing may run.
        """
        now, turn = self._clock(), running.turn
        where = link_targets(call, session.project_path)  # looked up once: what is shown is what the answer is for
        content = digest(call, session, where, again=True)
        if await self._store.approvals.redeem(turn, content, since_ms=now - REDEEMED_MS, now_ms=now):
            return Verdict(allowed=True)
        # What was allowed in a turn that nobody can have forged proves nothing of one that somebody may have.
        channel = turn.channel if asking.risk in self.guarded(turn.channel) else None
        scope = (turn.user_id, session.project, call.name, asking.risk)
        if await self._store.approvals.granted(*scope, channel=channel, now_ms=now):
            await self.outdate(session.id)
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
            call_sha256=digest(call, session, where),
            content_sha256=content,
            summary=_in_one_line(call, session, where),
            expires_ms=now + round(self._expires_seconds * 1000),
        )
        question = PendingApproval(new.id, session.id, partial(running.may_rest, call))
        self._waiting[new.id] = question
        try:
            approval = await self._store.approvals.ask(
                new, lambda code: [self._draft(call, session, where, new, way, code) for way in ways], now_ms=now
            )
            if approval is None:
                return Verdict(allowed=False, reason=asking.reason)
            if approval.id != new.id:
                again = f"{summary(call)} was asked about before and may already have run; check before you repeat it"
                return Verdict(allowed=False, reason=again)
            self._announce(approval)
            with running.asking():
                await self._hold(approval, question, running)
            found = digest(call, session, link_targets(call, session.project_path))
            return await self._answer_to(approval, question, found)
        except asyncio.CancelledError:
            if self.stopping or question.resting:
                raise  # the next start of the daemon keeps it, or its turn goes on in another process
            await asyncio.shield(self._withdraw(new.id))
            raise
        finally:
            if not question.resting:
                del self._waiting[new.id]

    async def outdate(self, session_id: SessionId) -> None:
        """Let no yes count any more that was kept for a call of a session: another one is about to change something.

        Raises:
            StorageError: the other one must not run.
        """
        await self._store.approvals.outdate(session_id, now_ms=self._clock())

    def turn_ended(self, session_id: SessionId) -> None:
        """Withdraw the questions of a session whose turn is over."""
        for question in self._waiting.values():
            if question.session_id == session_id:
                question.answer()

    def asked_in(self, session_id: SessionId) -> bool:
        """Return whether a question of a session is open."""
        return any(question.session_id == session_id for question in self._waiting.values())

    def give_way(self) -> bool:
        """Let go of the process whose question has waited longest, where one may be; False = none may."""
        return any(question.hurry() for question in self._waiting.values())

    async def outcome(self, question: PendingApproval) -> tuple[Verdict, str, int]:
        """Wait for the answer to a question whose process was let go, until it expires.

        Returns:
            The verdict; the call in a few words; how often the turn was given a prompt anew, this time included.

        Raises:
            StorageError: nobody knows what was answered.
        """
        store = self._store.approvals
        approval = await store.find(question.approval_id)
        assert approval is not None, "it was recorded before it was asked"
        while not question.answered and (left := self._left(approval)) > 0:
            await question.wait(left)
        number = await store.go_on(approval.id)
        found = await store.find(approval.id)
        if found is not None and found.state is ApprovalState.ALLOWED:
            return Verdict(allowed=True), brief(approval.summary), number
        return await self._refused(approval, question, ApprovalState.EXPIRED), brief(approval.summary), number

    def forget(self, question: PendingApproval) -> None:
        """Wait no longer for the answer to a question whose process was let go."""
        self._waiting.pop(question.approval_id, None)

    async def abandon(self, question: PendingApproval) -> None:
        """Withdraw a question whose process was let go, and whose turn ended."""
        if not self.stopping:
            await self._withdraw(question.approval_id)

    async def _withdraw(self, approval_id: str) -> None:
        """Close a question that nobody can answer any more, and tell whoever shows it."""
        closed = await self._store.approvals.close(approval_id, ApprovalState.WITHDRAWN, now_ms=self._clock())
        if closed and (approval := await self._store.approvals.find(approval_id)) is not None:
            self._resolved(approval, allowed=False)

    async def resolve(
        self, approval: Approval, *, allow: bool, by: str, way: str, minutes: int = 0, note: str = ""
    ) -> None:
        """Decide a question, once; a no beats a yes until the call was let through, and ends what it allows besides.

        Args:
            by, way: who decides, and by which channel: for the audit trail.
            minutes: for how long calls of the same tool and risk in the project are allowed besides.
            note: why, for the audit trail; a no tells it to the model and to whoever asked for the turn.

        Raises:
            ApprovalClosed: it cannot be decided any more.
            NotAllowed: a yes by this way is not enough.
        """
        if allow and self.needs_second_factor(approval, way):
            raise NotAllowed(f"this one needs a yes by another way than {way}", "or YES, its code and your passphrase")
        await self.resolve_proven(approval, allow=allow, by=by, way=way, minutes=minutes, note=note)

    async def resolve_proven(
        self, approval: Approval, *, allow: bool, by: str, way: str, minutes: int = 0, note: str = ""
    ) -> None:
        """Decide a question as somebody who needs no further proof.

        Raises:
            ApprovalClosed: it cannot be decided any more.
        """
        now, store, note = self._clock(), self._store.approvals, well_formed(note).strip()
        if allow:
            done = await store.allow(approval.id, by, way=way, minutes=minutes, note=note, now_ms=now)
        else:
            done = await store.deny(approval.id, by, way=way, note=note, now_ms=now)
        if not done:
            raise ApprovalClosed(await self._why_not(approval))
        if (question := self._waiting.get(approval.id)) is not None:
            if note and not allow:
                question.denied = f"denied by {by}: {' '.join(note.split()).removesuffix('.')}"
            question.answer()
        if allow or not approval.consumed:  # else a grant of it ended, which is nothing that anybody waits for
            self._resolved(approval, allowed=allow)

    async def _hold(self, approval: Approval, question: PendingApproval, running: AskingTurn) -> None:
        """Wait for the answer, or until the question expires; after a time let the process go that waits for it."""
        seconds = 0.0 if self._processes.contended else self._hold_seconds
        while not question.answered and (left := self._left(approval)) > 0:
            await question.wait(min(seconds, left))
            if question.may_rest and await self._keep(approval):
                running.ask_to_rest(question)
            if question.resting:
                await question.gone()
            seconds = AGAIN_SECONDS

    async def _keep(self, approval: Approval) -> bool:
        """Let a yes count for the same call when it is made again; False = its process has to wait."""
        try:
            return await self._store.approvals.rest(approval.id, now_ms=self._clock())
        except StorageError as error:
            logger.error("%s: its process waits, since it could not be recorded: %s", approval.code, error)
            return False

    def _left(self, approval: Approval) -> float:
        """Return for how many seconds a question is open still."""
        return max(0.0, (approval.expires_ms - self._clock()) / 1000)

    async def _answer_to(self, approval: Approval, question: PendingApproval, found: bytes) -> Verdict:
        """Let the call through where the answer is a yes.

        Args:
            found: its digest now: a yes to a file is none to what a link in its place leads to.
        """
        store = self._store.approvals
        if await store.consume(approval.id, found, now_ms=self._clock()):
            return Verdict(allowed=True)
        if self.stopping and await store.of_turn(approval.turn_id, now_ms=self._clock()) is not None:
            return Verdict(allowed=False, reason=f"{brief(approval.summary)} was not run: the daemon stops")
        state = ApprovalState.WITHDRAWN if question.answered else ApprovalState.EXPIRED
        moved = question.answered and found != approval.call_sha256
        return await self._refused(approval, question, state, MOVED if moved else "")

    async def _refused(
        self, approval: Approval, question: PendingApproval, state: ApprovalState, moved: str = ""
    ) -> Verdict:
        """Close a question whose call is not run; return why it is not."""
        if await self._store.approvals.close(approval.id, state, now_ms=self._clock()):
            self._resolved(approval, allowed=False)
            late = "nobody answered in time" if state is ApprovalState.EXPIRED else "its turn ended first"
            why = moved or late
        else:
            why = question.denied or "the person said no"
        return Verdict(allowed=False, reason=f"{brief(approval.summary)} was not run: {why}")

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

    def _draft(
        self, call: ToolCall, session: Session, where: Sequence[str], new: NewApproval, way: Way, code: str
    ) -> OutboxDraft:
        """Return what one person is told of a question."""
        if not way.answers:
            text = f"[{session.project}] {summary(call)} waits for somebody's approval"
        else:
            second = self.needs_second_factor(new, way.channel)
            asker = "" if way.own else new.user_id
            text = _question(call, session, where, code, self._expires_seconds, asker=asker, second_factor=second)
        # A command in which a channel read Markdown would not be the one that runs; the project is named already.
        reply = replace(way.reply, meta={**way.reply.meta, VERBATIM: True, "prefix": ""})
        return OutboxDraft(id=OutboxId(uuid7()), reply=reply, text=text)

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


def digest(call: ToolCall, session: Session, where: Sequence[str], *, again: bool = False) -> bytes:
    """Return the SHA-256 of a whole call, where its links lead, the folder and the session that it is made in.

    Args:
        where: what `link_targets` returns for it.
        again: without the ids of the call and of its agent, and without what the model says of it: they are others
            when the call is made again.
    """
    ids: list[str | None] = [] if again else [call.tool_use_id, call.agent_id]
    given = {key: value for key, value in call.input.items() if not again or key not in SAID_OF_IT.get(call.name, ())}
    # The shell keeps its `cd` from call to call, and starts in the project's folder in another process.
    place = [session.id, session.project_path, call.folder or session.project_path, *where]
    return hashlib.sha256(json.dumps([*place, *ids, call.name, given], sort_keys=True, default=str).encode()).digest()


def _question(
    call: ToolCall,
    session: Session,
    where: Sequence[str],
    code: str,
    seconds: float,
    *,
    asker: str,
    second_factor: bool,
) -> str:
    """Return what a person is asked: the code first, for what is too long is cut, then nothing but the call itself."""
    who = f" for {asker}" if asker else ""
    within = f"within {max(1, round(seconds / 60))} min"
    proof = "; a yes by this way needs your passphrase behind the code" if second_factor else ""
    text = f"[{session.project}] May it run{who}? YES {code} or NO {code}, {within}{proof}."
    place = ", leading to ".join([call.folder or session.project_path, *where])
    return well_formed(f"{text}\nIn {place}:\n{shown(call)}")


def _in_one_line(call: ToolCall, session: Session, where: Sequence[str]) -> str:
    """Return what those are told who answer by a program or terminal: they see nothing else of the call."""
    folder = [f"in {call.folder}"] if call.folder not in ("", session.project_path) else []
    place = ", ".join([*folder, *(f"leading to {one}" for one in where)])
    return shown(call).replace("\n", "\\n") + (f" ({place})" if place else "")
