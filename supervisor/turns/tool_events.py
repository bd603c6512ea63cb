"""Records the tool calls of running turns in the background; T3 waits for these writes."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from supervisor.permissions.wording import summary
from supervisor.protocol import conversation as talk
from supervisor.protocol.errors import StorageError
from supervisor.protocol.times import Clock, now_ms
from supervisor.store.ports.turns import TurnStore
from supervisor.turns.lanes.lane import Lane
from supervisor.turns.running import RecordTool

logger = logging.getLogger(__name__)


class ToolEvents:
    """Stores the start and end of each tool call with its turn."""

    def __init__(self, store: TurnStore, clock: Clock = now_ms) -> None:
        self._store = store
        self._clock = clock

    def recorder(self, lane: Lane) -> RecordTool:
        """Return the function that stores the tool events of a lane's turns; the lane owns its tasks."""

        def record(turn_id: int, event: talk.ToolStarted | talk.ToolFinished) -> None:
            task = asyncio.create_task(self._record(turn_id, event), name=f"tool event {lane.name}")
            lane.writes.add(task)
            task.add_done_callback(lane.writes.discard)

        return record

    async def _record(self, turn_id: int, event: talk.ToolStarted | talk.ToolFinished) -> None:
        payload: dict[str, Any]
        if isinstance(event, talk.ToolStarted):
            call = talk.ToolCall(tool_use_id=event.tool_use_id, name=event.name, input=event.input)
            kind, payload = "tool_started", {"id": event.tool_use_id, "summary": summary(call)}
        else:
            kind, payload = "tool_finished", {"id": event.tool_use_id, "failed": event.failed}
        try:
            await self._store.record_event(turn_id, kind, payload, now_ms=self._clock())
        except StorageError as error:
            logger.error("turn %d: a tool event could not be stored: %s", turn_id, error)
