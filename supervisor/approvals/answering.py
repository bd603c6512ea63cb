"""Answers to questions about tool calls: each question is decided once, and an answer that is refused is noted."""

from __future__ import annotations

import logging

from supervisor.approvals import wording
from supervisor.approvals.announcer import ApprovalAnnouncer
from supervisor.approvals.pending import KeptWork, PendingApprovals
from supervisor.approvals.second_factor import SecondFactor, answered_by
from supervisor.people.rate_limits import HOUR, TRACES, MovingWindow
from supervisor.protocol.errors import ApprovalClosed, NotAllowed, StorageError
from supervisor.protocol.messages import well_formed
from supervisor.protocol.times import Clock, now_ms
from supervisor.sentences.approvals import NEEDS_ANOTHER_WAY
from supervisor.store.ports.approvals import Approval, ApprovalState, ApprovalStore, Refused

logger = logging.getLogger(__name__)

MAX_MINUTES = 120
"""The longest time for which one yes is valid."""

MAX_NOTE = 1000
"""The most characters of the note that says why a question was decided so."""


class RefusedAnswers:
    """Notes who tried to answer a question and was refused: `TRACES` times per hour and person or token.

    Args:
        clock: milliseconds UTC.
    """

    def __init__(self, store: ApprovalStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._traces = MovingWindow(TRACES, HOUR)

    async def note(
        self, approval: Approval, why: Refused, *, allow: bool, by: str, channel: str, way: str = "", source: str = ""
    ) -> None:
        """Leave an entry about a refused answer. One that cannot be stored is logged: the answer is refused anyway.

        Args:
            by, channel, way, source: as in `ApprovalResolver.resolve`.
        """
        if not self._traces.take(by):
            return
        told = answered_by(channel, way)
        try:
            await self._store.refused(
                approval.id, by, why=why, allow=allow, way=told, source=source, now_ms=self._clock()
            )
        except StorageError as error:
            logger.error("approval %s: a refused answer of %s could not be noted: %s", approval.id, by, error)


class ApprovalResolver:
    """Records the answers of people and wakes the calls that wait for them. It does not check who may answer.

    Args:
        pending: the questions for which calls of this daemon wait.
        kept: continues the work of turns that a restart interrupted, once their question is allowed.
        clock: milliseconds UTC.

    Attributes:
        refused: notes the answers that were refused, here and by who checks who may answer.
    """

    def __init__(
        self,
        *,
        store: ApprovalStore,
        pending: PendingApprovals,
        announcer: ApprovalAnnouncer,
        second_factor: SecondFactor,
        kept: KeptWork,
        clock: Clock = now_ms,
    ) -> None:
        self.refused = RefusedAnswers(store, clock)
        self._store = store
        self._pending = pending
        self._announcer = announcer
        self._second_factor = second_factor
        self._kept = kept
        self._clock = clock

    def needs_second_factor(self, approval: Approval, channel: str, *, way: str = "") -> bool:
        """Return whether a yes by a channel needs a passphrase, or a yes by another channel.

        Args:
            way: how who says it signed in with a browser, see `Way`; empty = with none.
        """
        return self._second_factor.is_needed(approval, channel, way=way)

    async def resolve(
        self,
        approval: Approval,
        *,
        allow: bool,
        by: str,
        channel: str,
        way: str = "",
        source: str = "",
        minutes: int = 0,
        note: str = "",
    ) -> bool:
        """Decide a question. A no overrules a yes until the call has run, and ends the yes for later calls.

        Args:
            by: who decides, for the audit trail.
            channel: by which the answer came, for the audit trail.
            way: how who decides signed in with a browser, see `Way`; empty = with none.
            source: the address that the answer came from, for the audit trail; empty = not known.
            minutes: how long later calls of the same tool and risk in the project are allowed as well; 0 = not at all.
            note: why, for the audit trail. The note of a no is told to the model and to the user of the turn.

        Returns:
            Whether a restart had interrupted the turn, whose work continues now.

        Raises:
            ApprovalClosed: it cannot be decided any more.
            NotAllowed: a yes by this channel needs a second factor.
        """
        told = answered_by(channel, way)
        if allow and self.needs_second_factor(approval, channel, way=way):
            await self.refused.note(
                approval, Refused.SECOND_FACTOR, allow=True, by=by, channel=channel, way=way, source=source
            )
            raise NotAllowed(NEEDS_ANOTHER_WAY(channel=told, code=approval.code))
        return await self.resolve_proven(
            approval, allow=allow, by=by, channel=told, source=source, minutes=minutes, note=note
        )

    async def resolve_proven(
        self,
        approval: Approval,
        *,
        allow: bool,
        by: str,
        channel: str,
        source: str = "",
        minutes: int = 0,
        note: str = "",
    ) -> bool:
        """Decide a question for a person who needs no second factor, or has given it; the rest is as in `resolve`.

        Raises:
            ApprovalClosed: it cannot be decided any more.
        """
        now, note = self._clock(), well_formed(note).strip()
        interrupted = allow and approval.kept and self._pending.get(approval.id) is None
        if interrupted and (why := await self._kept.refusal(approval)):
            raise ApprovalClosed(wording.no_longer_waits(approval, why))
        if allow:
            done = await self._store.allow(
                approval.id, by, way=channel, source=source, minutes=minutes, note=note, now_ms=now
            )
        else:
            done = await self._store.deny(approval.id, by, way=channel, source=source, note=note, now_ms=now)
        if not done:
            latest = await self._store.find(approval.code) or approval
            if not (interrupted and await self._is_left(latest)):
                raise ApprovalClosed(wording.closed(latest, now_ms=now))
        if (question := self._pending.get(approval.id)) is not None:
            if note and not allow:
                question.denied = wording.denied(by, note)
            question.answer()
        if allow or not approval.consumed:  # a no to a call that has run only ends a grant: nobody waits for that
            self._announcer.resolved(approval, allowed=allow, by=by)
        if interrupted:
            await self._withdraw(approval.turn_id, allowed=False)  # the work asks again what it still needs
            await self._kept.go_on(approval)
        return interrupted

    async def replace(self, turn_id: int, *, keep_allowed: bool) -> None:
        """Withdraw the questions of an interrupted turn, about which a person has decided otherwise.

        Args:
            keep_allowed: a yes that was given already stays valid in the turn that continues the work.
        """
        await self._withdraw(turn_id, allowed=not keep_allowed)

    async def _withdraw(self, turn_id: int, *, allowed: bool) -> None:
        for approval in await self._store.withdraw(turn_id, allowed=allowed, now_ms=self._clock()):
            self._announcer.resolved(approval, allowed=False)

    async def _is_left(self, approval: Approval) -> bool:
        """Return whether a question was allowed, but the work of its turn does not continue yet."""
        unused = approval.state is ApprovalState.ALLOWED and not approval.consumed
        return unused and await self._kept.waits(approval)
