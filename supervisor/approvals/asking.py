"""Asks people about tool calls, and waits for their answers. No answer is a no."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from supervisor.approvals import drafts, wording
from supervisor.approvals.announcer import ApprovalAnnouncer
from supervisor.approvals.approvers import Approvers, Recipient
from supervisor.approvals.call import AskedCall, CallPlace
from supervisor.approvals.pending import AskingTurn, PendingApproval, PendingApprovals
from supervisor.approvals.preview import diff_of
from supervisor.approvals.second_factor import SecondFactor, proven_by
from supervisor.cluster.outages import wait_out
from supervisor.permissions.policy import NeedsApproval, Risk
from supervisor.protocol.conversation import ToolCall, Verdict
from supervisor.protocol.errors import StorageError
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import SessionId
from supervisor.protocol.times import Clock, now_ms
from supervisor.runtime.fair_queue import FairQueue
from supervisor.store.ports.approvals import Approval, ApprovalState, ApprovalStore, NewApproval
from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.records.turn import Turn

logger = logging.getLogger(__name__)

REPEATABLE_MS = 3_600_000
"""How long a yes stays valid for the same call of another process, in milliseconds."""

SUSPEND_RETRY_SECONDS = 10.0
"""After how many seconds a process that could not be suspended is looked at again."""

MAX_CALL = 524_288
"""The longest call in characters that a person is asked about; a longer one is denied, since nobody could read it."""


class Approvals:
    """Asks people about tool calls, and lets a call run once a person has allowed it.

    Args:
        processes: the queue for processes. While it has waiters, no process is held for an answer.
        expires_seconds: how long a question is open.
        hold_seconds: how long a process waits for an answer before it is suspended, where it may be.
        clock: milliseconds UTC.

    Attributes:
        pending: the open questions.
        stopping: the daemon stops. Questions that are open now are kept for its next start.
    """

    def __init__(
        self,
        *,
        store: ApprovalStore,
        approvers: Approvers,
        announcer: ApprovalAnnouncer,
        second_factor: SecondFactor,
        processes: FairQueue,
        expires_seconds: float,
        hold_seconds: float,
        clock: Clock = now_ms,
    ) -> None:
        self.pending = PendingApprovals()
        self.stopping = False
        self._store = store
        self._approvers = approvers
        self._announcer = announcer
        self._second_factor = second_factor
        self._processes = processes
        self._expires_seconds = expires_seconds
        self._hold_seconds = hold_seconds
        self._clock = clock

    def guarded(self, channel: str, way: str = "") -> frozenset[Risk]:
        """Return the risks that need approval in a turn by a channel and a way, even where the project allows all."""
        return self._second_factor.guarded(channel, way)

    async def decide(self, call: ToolCall, needs: NeedsApproval, session: CallPlace, running: AskingTurn) -> Verdict:
        """Ask the people who may answer, and wait. Where nobody can be asked, the verdict is a no.

        While the database does not answer, the call waits too.

        If the process of the call is suspended meanwhile, this call is cancelled; `outcome` then returns the answer.

        Args:
            needs: the policy's refusal of the call.

        Raises:
            StorageError: the call must not run.
        """
        turn = running.turn
        if len(AskedCall.now(call, session).text) > MAX_CALL:
            return wording.too_long(call, MAX_CALL)
        what = f"call {call.tool_use_id}"
        if await wait_out(partial(self._is_allowed, call, session, needs.risk, turn), what):
            return Verdict(allowed=True)
        recipients = self._approvers.recipients(turn)
        if recipients is None:
            return Verdict(allowed=False, reason=needs.reason)
        question = PendingApproval(uuid7(), session.id, partial(running.may_suspend, call))
        self.pending.add(question)
        try:
            ask = partial(self._ask, question.approval_id, call, session, needs.risk, turn, recipients)
            approval = await wait_out(ask, what)
            if approval is None:
                return Verdict(allowed=False, reason=needs.reason)
            if approval.id != question.approval_id:
                return wording.asked_before(call)
            self._announcer.requested(approval)
            with running.asking():
                await self._hold(approval, question, running)
            return await wait_out(lambda: self._verdict(approval, question, AskedCall.now(call, session).digest), what)
        except asyncio.CancelledError:
            if self.stopping or question.suspended:
                raise  # the next start of the daemon keeps the question, or its turn goes on in another process
            try:
                await asyncio.shield(self._withdraw(question.approval_id))
            except StorageError as error:  # whoever cancels the call must not wait for the database, nor be refused
                logger.error("%s: its question could not be withdrawn: %s", what, error)
            raise
        finally:
            if not question.suspended:
                self.pending.remove(question.approval_id)

    async def outdate(self, session_id: SessionId) -> None:
        """End every kept yes of a session, because another call is about to change something.

        Raises:
            StorageError: the other call must not run.
        """
        await self._store.outdate(session_id, now_ms=self._clock())

    def turn_ended(self, session_id: SessionId) -> None:
        """Withdraw the open questions of a session whose turn has ended."""
        for question in self.pending.of_session(session_id):
            question.answer()

    def asked_in(self, session_id: SessionId) -> bool:
        """Return whether a question of a session is open."""
        return bool(self.pending.of_session(session_id))

    def give_way(self) -> bool:
        """Have the process suspended whose question has waited longest; False = no process may be suspended."""
        return any(question.hurry() for question in self.pending.all())

    async def outcome(self, question: PendingApproval) -> tuple[Verdict, str, int]:
        """Wait for the answer to a question whose process is suspended, until the question expires.

        Returns:
            The verdict; the call as its model is told of it; how many prompts the turn has had, the next one included.

        Raises:
            StorageError: the answer is not known.
        """
        what = f"question {question.approval_id}"
        approval = await wait_out(lambda: self._store.find(question.approval_id), what)
        assert approval is not None, "it was recorded before it was asked"
        while not question.answered and (left := self._seconds_left(approval)) > 0:
            await question.wait(left)
        number = await wait_out(lambda: self._store.go_on(approval.id), what)
        verdict = await wait_out(lambda: self._outcome(approval, question), what)
        return verdict, wording.for_model(approval), number

    async def _outcome(self, approval: Approval, question: PendingApproval) -> Verdict:
        found = await self._store.find(approval.id)
        if found is not None and found.state is ApprovalState.ALLOWED:
            return Verdict(allowed=True)
        return await self._refusal(approval, question, ApprovalState.EXPIRED)

    def forget(self, question: PendingApproval) -> None:
        """Stop waiting for the answer to a question whose process is suspended."""
        self.pending.remove(question.approval_id)

    async def abandon(self, question: PendingApproval) -> None:
        """Withdraw a question whose process is suspended and whose turn has ended."""
        if not self.stopping:
            await self._withdraw(question.approval_id)

    async def _is_allowed(self, call: ToolCall, session: CallPlace, risk: Risk, turn: Turn) -> bool:
        """Return whether an earlier yes covers a call as it is now."""
        now, asked = self._clock(), AskedCall.now(call, session)
        if await self._store.redeem(turn, asked.repeat_digest, since_ms=now - REPEATABLE_MS, now_ms=now):
            return True
        # A yes in a turn of an authenticated channel must not cover a turn that may be forged.
        channel = proven_by(turn.channel, turn.way) if risk in self.guarded(turn.channel, turn.way) else None
        scope = (turn.user_id, asked.session.project, asked.call.name, risk)
        if not await self._store.granted(*scope, channel=channel, now_ms=now):
            return False
        await self.outdate(asked.session.id)
        return True

    async def _ask(
        self,
        approval_id: str,
        call: ToolCall,
        session: CallPlace,
        risk: Risk,
        turn: Turn,
        recipients: Sequence[Recipient],
    ) -> Approval | None:
        """Record a question about a call as it is now, open from now on; see `ApprovalStore.ask`.

        Args:
            approval_id: the id that the question gets.
        """
        now, asked = self._clock(), AskedCall.now(call, session)
        if session.project_path:
            asked = replace(asked, diff=await diff_of(call, session.project_path))
        new = drafts.record(asked, risk, turn, expires_ms=now + round(self._expires_seconds * 1000))
        new = replace(new, id=approval_id)
        return await self._store.ask(new, partial(self._messages, asked, new, recipients), now_ms=now)

    def _messages(
        self, asked: AskedCall, new: NewApproval, recipients: Sequence[Recipient], code: str
    ) -> list[OutboxDraft]:
        """Return the messages that tell the recipients of a question with its code."""
        return [
            drafts.message(
                asked,
                new,
                recipient,
                code,
                seconds=self._expires_seconds,
                second_factor=self._second_factor.is_needed(new, recipient.channel),
            )
            for recipient in recipients
        ]

    async def _hold(self, approval: Approval, question: PendingApproval, running: AskingTurn) -> None:
        """Wait until a question is answered or expires. After `hold_seconds` ask for the suspension of its process."""
        seconds = 0.0 if self._processes.contended else self._hold_seconds
        while not question.answered and (left := self._seconds_left(approval)) > 0:
            await question.wait(min(seconds, left))
            if question.may_suspend and await self._keep(approval):
                running.ask_to_suspend(question)
            if question.suspended:
                await question.gone()
            seconds = SUSPEND_RETRY_SECONDS

    async def _keep(self, approval: Approval) -> bool:
        """Make a yes valid for the same call of another process; False = the process must wait for the answer."""
        try:
            return await self._store.suspend(approval.id, now_ms=self._clock())
        except StorageError as error:
            logger.error("%s: its process is not suspended, since that could not be recorded: %s", approval.code, error)
            return False

    def _seconds_left(self, approval: Approval) -> float:
        """Return for how many seconds a question is still open."""
        return max(0.0, (approval.expires_ms - self._clock()) / 1000)

    async def _verdict(self, approval: Approval, question: PendingApproval, digest: bytes) -> Verdict:
        """Return the verdict after the wait, and let the call run once where the answer is a yes.

        Args:
            digest: of the call as it is now. A yes to a file is not valid for the target of a link in its place.
        """
        if await self._store.consume(approval.id, digest, now_ms=self._clock()):
            return Verdict(allowed=True)
        if self.stopping and await self._store.of_turn(approval.turn_id, now_ms=self._clock()):
            return wording.not_run(approval, wording.STOPPING)
        state = ApprovalState.WITHDRAWN if question.answered else ApprovalState.EXPIRED
        moved = question.answered and digest != approval.call_sha256
        return await self._refusal(approval, question, state, wording.LINK_CHANGED if moved else "")

    async def _refusal(
        self, approval: Approval, question: PendingApproval, state: ApprovalState, why: str = ""
    ) -> Verdict:
        """Close a question whose call must not run.

        Args:
            why: empty = what the state says.
        """
        if await self._store.close(approval.id, state, now_ms=self._clock()):
            self._announcer.resolved(approval, allowed=False)
            why = why or (wording.NO_ANSWER if state is ApprovalState.EXPIRED else wording.TURN_ENDED)
        else:
            why = question.denied or wording.DENIED
        return wording.not_run(approval, why)

    async def _withdraw(self, approval_id: str) -> None:
        """Close a question that nobody can answer any more."""
        closed = await self._store.close(approval_id, ApprovalState.WITHDRAWN, now_ms=self._clock())
        if closed and (approval := await self._store.find(approval_id)) is not None:
            self._announcer.resolved(approval, allowed=False)
