"""Continues the work of interrupted turns whose question was allowed, whichever way the yes came."""

from __future__ import annotations

import logging

from supervisor.approvals.pending import KeptWork
from supervisor.approvals.wording import for_model
from supervisor.commands.dispatch import CommandAnswer, Resumed
from supervisor.commands.resume import continued
from supervisor.intake.acceptor import Acceptor
from supervisor.intake.submission import RoutedSubmission, Submission
from supervisor.people.identity import Directory
from supervisor.protocol.codes import Code, CodeKind
from supervisor.protocol.errors import UserNotFound
from supervisor.protocol.messages import Address
from supervisor.protocol.status import Target, TurnState
from supervisor.protocol.times import Clock, now_ms
from supervisor.routing.conversations import Conversations
from supervisor.routing.rules import Decision
from supervisor.store.ports.approvals import Approval
from supervisor.store.ports.keys import CodeStore
from supervisor.store.ports.sessions import SessionStore
from supervisor.store.ports.turns import TurnStore
from supervisor.store.records.turn import Turn

logger = logging.getLogger(__name__)


class Resumption(KeptWork):
    """Continues the work in the name of the user whose turn was interrupted, and by the channel of that turn."""

    def __init__(
        self,
        sessions: SessionStore,
        turns: TurnStore,
        codes: CodeStore,
        directory: Directory,
        conversations: Conversations,
        acceptor: Acceptor,
        clock: Clock = now_ms,
    ) -> None:
        self._sessions = sessions
        self._turns = turns
        self._codes = codes
        self._directory = directory
        self._conversations = conversations
        self._acceptor = acceptor
        self._clock = clock

    async def refusal(self, approval: Approval) -> str:
        """Return why the work of a kept question cannot continue; empty = it can."""
        session = await self._sessions.get(approval.session_id)
        if session is None or not session.resumes_by_itself:
            return "its session is closed"
        turn = await self._turns.find(approval.turn_id)
        if turn is None or turn.state is not TurnState.INTERRUPTED:
            return "its turn is over"
        decision = await self._decide(approval, turn)
        return decision.reason if decision.target is Target.REFUSED else ""

    async def waits(self, approval: Approval) -> bool:
        """Return whether the turn of a kept question still waits for CONTINUE, RETRY or DROP."""
        turn = await self._turns.find(approval.turn_id)
        return turn is not None and await self._code(turn) is not None

    async def go_on(self, approval: Approval) -> None:
        """Accept the prompt that continues the work of a question which was allowed."""
        turn = await self._turns.find(approval.turn_id)
        assert turn is not None, "`refusal` has found it"
        decision = await self._decide(approval, turn)
        if decision.target is Target.REFUSED:  # since `refusal` was asked
            logger.warning("%s: its work does not continue: %s", approval.code, decision.reason)
            return
        code = await self._code(turn)
        answer = CommandAnswer(resumed=_continued(turn, approval), closes=code.code if code is not None else "")
        submission = Submission(
            user=self._directory.user(turn.user_id),
            channel=turn.channel,
            account=turn.reply.account if turn.reply is not None else "",
            sender=turn.reply.to if turn.reply is not None else Address(kind=turn.channel, value=turn.user_id),
            text=decision.text,
            thread=turn.thread,
            reply=turn.reply,
            way=turn.way,
            dedup_key=f"yes {approval.id}",
        )
        routed = RoutedSubmission(submission=submission, decision=decision, answer=answer)
        self._acceptor.start(await self._acceptor.accept(routed))

    async def _decide(self, approval: Approval, turn: Turn) -> Decision:
        """Return whether the user of an interrupted turn may still continue it."""
        try:
            user = self._directory.user(turn.user_id)
        except UserNotFound:
            return Decision(target=Target.REFUSED, reason="its user was removed", text="")
        text = _continued(turn, approval).text
        return await self._conversations.again(user, turn.channel, approval.session_id, text)

    async def _code(self, turn: Turn) -> Code | None:
        """Return the open code by which the user of a turn decides about it; None = it was used, or there is none."""
        codes = await self._codes.open_of(turn.user_id, CodeKind.TURN, now_ms=self._clock())
        return next((code for code in codes if code.ref == turn.message_id), None)


def _continued(turn: Turn, approval: Approval) -> Resumed:
    return continued(turn, approval.session_id, allowed=for_model(approval))
