"""Decides about the tool calls of one turn of the assistant."""

from __future__ import annotations

import logging

from supervisor.approvals.asking import Approvals
from supervisor.approvals.call import AssistantPlace
from supervisor.approvals.pending import AskingTurn
from supervisor.approvals.wording import told_to_model
from supervisor.cluster.outages import wait_out
from supervisor.permissions.policy import NeedsApproval, Risk
from supervisor.permissions.wording import summary
from supervisor.protocol import conversation as talk
from supervisor.protocol.errors import StorageError
from supervisor.protocol.messages import SessionId
from supervisor.protocol.text.refusals import cause
from supervisor.protocol.tools import ToolOutput, Tools
from supervisor.sentences.approvals import CANNOT_BE_RECORDED, NO_SUCH_TOOL, REFUSED_BY_STORE, TOOL_NEEDS_APPROVAL
from supervisor.sessions.binding import Note

logger = logging.getLogger(__name__)


class AssistantDecisions:
    """Lets a call run that only reads, by our own configuration, and asks a person about every other.

    Args:
        tools: those of the turn; None = it has none.
        running: the turn.
        note: records each call before it runs, for the audit trail, and for the time after a crash.
    """

    def __init__(self, tools: Tools | None, running: AskingTurn, approvals: Approvals, note: Note) -> None:
        self._tools = tools
        self._running = running
        self._approvals = approvals
        self._note = note
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
        try:
            verdict = talk.Verdict(allowed=True)
            if not spec.reads:
                needs = NeedsApproval(allowed=False, reason=TOOL_NEEDS_APPROVAL(call=summary(call)), risk=Risk.OTHER)
                verdict = await self._approvals.decide(shown, needs, self._place, self._running)
            if verdict.allowed:
                # As the model wrote it: after a crash it reads in the chat's history what had started.
                await self._note(call, reads=spec.reads)
            else:  # the person's answer may name people, and the tools of a new turn have met nobody yet
                await wait_out(self._tools.learn, f"call {call.tool_use_id}")
        except StorageError as error:
            logger.error("%s: call %s was not run: %s", self._running.turn.message_id, call.tool_use_id, error)
            told = CANNOT_BE_RECORDED(call=summary(call))
            if error.lasts:
                told = REFUSED_BY_STORE(call=summary(call), why=cause(error))
            verdict = talk.Verdict(allowed=False, reason=told)
        return verdict if verdict.allowed else told_to_model(verdict, summary(call), self._tools.hidden)
