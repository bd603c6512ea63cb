"""Records the tool calls of running turns in the background; T3 waits for these writes."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from supervisor.permissions.wording import summary
from supervisor.protocol import conversation as talk
from supervisor.protocol.errors import StorageError
from supervisor.protocol.times import Clock, now_ms
from supervisor.store.ports.turns import ToolCallStore, TurnStore
from supervisor.turns.lanes.lane import Lane
from supervisor.turns.running import RecordTool

logger = logging.getLogger(__name__)


class ToolEvents:
    """Stores the start and end of each tool call with its turn.

    Args:
        calls: keeps the calls of the assistant's turns whole, with their results.
    """

    def __init__(self, store: TurnStore, calls: ToolCallStore, clock: Clock = now_ms) -> None:
        self._store = store
        self._calls = calls
        self._clock = clock

    def recorder(self, lane: Lane, *, whole: bool = False) -> RecordTool:
        """Return the function that stores the tool events of a lane's turns; the lane owns its tasks.

        Args:
            whole: keep the calls whole, with their results.
        """

        def record(turn_id: int, event: talk.ToolStarted | talk.ToolFinished) -> None:
            writes = [self._record(turn_id, event), *([self._keep(turn_id, event)] if whole else [])]
            for write in writes:
                task = asyncio.create_task(write, name=f"tool event {lane.name}")
                lane.writes.add(task)
                task.add_done_callback(lane.writes.discard)

        return record

    async def _keep(self, turn_id: int, event: talk.ToolStarted | talk.ToolFinished) -> None:
        try:
            if isinstance(event, talk.ToolStarted):
                await self._calls.started(turn_id, event, now_ms=self._clock())
            else:
                await self._calls.finished(turn_id, event, now_ms=self._clock())
        except StorageError as error:
            logger.error("turn %d: a tool call could not be stored: %s", turn_id, error)

    async def _record(self, turn_id: int, event: talk.ToolStarted | talk.ToolFinished) -> None:
        payload: dict[str, Any]
        if isinstance(event, talk.ToolStarted):
            call = talk.ToolCall(tool_use_id=event.tool_use_id, name=event.name, input=event.input)
            kind, payload = "tool_started", {"id": event.tool_use_id, "summary": summary(call)}
            if event.reads:
                payload["reads"] = True
        else:
            kind, payload = "tool_finished", {"id": event.tool_use_id, "failed": event.failed}
        try:
            await self._store.record_event(turn_id, kind, payload, now_ms=self._clock())
        except StorageError as error:
            logger.error("turn %d: a tool event could not be stored: %s", turn_id, error)
