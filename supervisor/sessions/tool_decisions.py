"""Decides about the tool calls of one turn of the assistant."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial

from supervisor.approvals.asking import Approvals
from supervisor.approvals.call import AssistantPlace
from supervisor.approvals.pending import AskingTurn
from supervisor.cluster.outages import wait_out
from supervisor.permissions.policy import NeedsApproval, Risk
from supervisor.permissions.wording import summary
from supervisor.protocol import conversation as talk
from supervisor.protocol.errors import StorageError
from supervisor.protocol.messages import SessionId
from supervisor.protocol.text.refusals import cause
from supervisor.protocol.times import Clock, now_ms
from supervisor.protocol.tools import ToolOutput, Tools
from supervisor.sentences.approvals import CANNOT_BE_RECORDED, NO_SUCH_TOOL, REFUSED_BY_STORE, TOOL_NEEDS_APPROVAL
from supervisor.store.ports.turns import TurnStore
from supervisor.undo.edits import ALLOWED

logger = logging.getLogger(__name__)


class ToolDecisions:
    """Lets a call run that only reads, by our own configuration, and asks a person about every other.

    Args:
        tools: those of the turn; None = it has none.
        running: the turn.
        turns: each call that may change something is recorded there before it runs, for the time after a crash.
    """

    def __init__(
        self,
        tools: Tools | None,
        running: AskingTurn,
        approvals: Approvals,
        turns: TurnStore,
        *,
        clock: Clock = now_ms,
    ) -> None:
        self._tools = tools
        self._running = running
        self._approvals = approvals
        self._turns = turns
        self._clock = clock
        turn = running.turn
        self._place = AssistantPlace(id=SessionId(turn.session_id or turn.lane))

    async def decide(self, call: talk.ToolCall) -> talk.Verdict:
        """Decide about a call; it may wait for a person."""
        spec = next((one for one in self._tools.listed() if one.name == call.name), None) if self._tools else None
        if self._tools is None or spec is None:  # its server may be down since the model was told of it
            return talk.Verdict(allowed=False, reason=NO_SUCH_TOOL(tool=call.name))
        shown = await self._tools.shown(call)
        if isinstance(shown, ToolOutput):
            return talk.Verdict(allowed=False, reason=shown.text)
        if spec.reads:
            return talk.Verdict(allowed=True)
        needs = NeedsApproval(allowed=False, reason=TOOL_NEEDS_APPROVAL(call=summary(shown)), risk=Risk.OTHER)
        try:
            verdict = await self._approvals.decide(shown, needs, self._place, self._running)
            if verdict.allowed:
                # As the model wrote it: after a crash it reads in the chat's history what had started.
                payload = {"id": call.tool_use_id, "summary": summary(call)}
                record = partial(
                    self._turns.record_event, self._running.turn.id, ALLOWED, payload, now_ms=self._clock()
                )
                await wait_out(record, f"call {call.tool_use_id}")
        except StorageError as error:
            logger.error("%s: call %s was not run: %s", self._running.turn.message_id, call.tool_use_id, error)
            told = CANNOT_BE_RECORDED(call=summary(shown))
            if error.lasts:
                told = REFUSED_BY_STORE(call=summary(shown), why=cause(error))
            verdict = talk.Verdict(allowed=False, reason=told)
        # The reason names people as the question did; the model knows them by references only.
        return verdict if verdict.allowed else replace(verdict, reason=self._tools.hidden(verdict.reason))
