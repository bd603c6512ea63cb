"""The assistant: opens a conversation for each turn, with the history of the thread from the store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from supervisor.approvals.asking import Approvals
from supervisor.approvals.pending import AskingTurn
from supervisor.cluster.outages import wait_out
from supervisor.models.gateway.gateway import Gateway
from supervisor.protocol import conversation as talk
from supervisor.protocol.messages import ProjectName, SessionId
from supervisor.protocol.ports.connector import Connector, Conversation
from supervisor.protocol.status import Permissions
from supervisor.protocol.values.record import record
from supervisor.sessions.decisions.assistant import AssistantDecisions
from supervisor.sessions.tool_sources import ToolsOfTurn, no_tools
from supervisor.spending.meter import SessionMeter
from supervisor.spending.spending import Spending
from supervisor.store.ports.turns import ToolCallStore, TurnStore
from supervisor.store.records.tool_call import StoredCall
from supervisor.store.records.turn import Turn
from supervisor.undo.recorder import Recorder

HISTORY_EXCHANGES = 50
"""Number of exchanges read from the store; the connector cuts them to its token limit."""

WITH_CALLS = 5
"""Of how many of them, the newest ones, the tool calls are read."""

NO_RESULT = "(no result is known)"
"""What the model reads of an earlier call that the daemon did not see end."""


@record
class Assistant:
    """Opens the conversations of the assistant.

    Attributes:
        connector: answers the turns.
        gateway: the way of the connector to a model.
        calls: the tool calls of earlier turns.
        approvals: asks people about tool calls.
        recorder: records tool calls.
        tools: the tools of each turn.
        turn_timeout: seconds that the model may take for one turn.
    """

    connector: Connector
    gateway: Gateway
    turns: TurnStore
    calls: ToolCallStore
    spending: Spending
    approvals: Approvals
    recorder: Recorder
    tools: ToolsOfTurn = no_tools
    turn_timeout: float = 300.0

    @asynccontextmanager
    async def converse(
        self, running: AskingTurn, joining: talk.Joining, given_up: Callable[[], bool] | None = None
    ) -> AsyncIterator[tuple[Conversation, SessionMeter]]:
        """Open a conversation for a turn, with its meter; it is closed, and its token revoked, when the block ends.

        Args:
            joining: as in `SessionSpec`.
            given_up: whether the turn is not wanted any more, as in `wait_out`.

        Raises:
            ConnectionFailed: the conversation did not start.
            StorageError: the history could not be read.
        """
        turn = running.turn
        meter = self.spending.meter(turn.lane, turn.user_id, turn.session_id)
        endpoint = self.gateway.issue(turn.lane, meter)
        try:
            history = await wait_out(partial(self._history, turn), turn.message_id, given_up=given_up)
            conversation = await self.connector.open(self._spec(running, endpoint, joining), history)
            try:
                yield conversation, meter
            finally:
                await conversation.close()
        finally:
            self.gateway.revoke(endpoint.token)
            await meter.drain()

    async def _history(self, turn: Turn) -> Sequence[talk.Exchange]:
        found = await self.turns.exchanges(turn.lane, limit=HISTORY_EXCHANGES)
        newest = [one.turn_id for one in found[-WITH_CALLS:]]
        calls = await self.calls.of_turns(newest, artifacts=False) if newest else {}
        return [
            talk.Exchange(
                prompt=one.prompt, answer=one.answer, calls=[_past(call) for call in calls.get(one.turn_id, ())]
            )
            for one in found
        ]

    def _spec(self, running: AskingTurn, endpoint: talk.ModelEndpoint, joining: talk.Joining) -> talk.SessionSpec:
        turn = running.turn
        tools = self.tools(turn)
        note = partial(self.recorder.note, turn.id)
        return talk.SessionSpec(
            id=SessionId(turn.lane),
            conversation_id=turn.message_id,
            resume=False,
            user_id=turn.user_id,
            project=ProjectName(""),
            project_path="",
            permissions=Permissions.ASK,
            model=None,
            home="",
            endpoint=endpoint,
            decide=AssistantDecisions(tools, running, self.approvals, note).decide,
            turn_timeout=self.turn_timeout,
            tools=tools,
            joining=joining,
        )


def _past(call: StoredCall) -> talk.PastCall:
    return talk.PastCall(
        tool_use_id=call.tool_use_id,
        name=call.name,
        input=call.input,
        result=call.for_model or call.result or NO_RESULT,
        failed=call.failed or call.ended_ms is None,
    )
