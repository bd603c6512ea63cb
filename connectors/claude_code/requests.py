"""Control requests from the connector to Claude Code, each matched with its response by id."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Mapping
from typing import Any

from connectors.claude_code.process.process import Process
from connectors.claude_code.protocol import frames
from connectors.claude_code.protocol.frames import ControlResponse, Unanswered
from connectors.claude_code.protocol.redaction import Redaction

logger = logging.getLogger(__name__)


class ControlRequests:
    """Sends requests and hands each response to the task that waits for it.

    Args:
        name: the session's id, for logs.
        redaction: hides secrets in the errors that Claude Code sends.
    """

    def __init__(self, process: Process, redaction: Redaction, *, name: str) -> None:
        self._process = process
        self._redaction = redaction
        self._name = name
        self._numbers = itertools.count(1)
        self._pending: dict[str, asyncio.Future[Mapping[str, Any]]] = {}

    async def ask(self, request: Mapping[str, Any], timeout: float) -> Mapping[str, Any]:
        """Send a request and return the body of its response.

        Args:
            timeout: in seconds, for writing and again for the response.

        Raises:
            Unanswered: Claude Code refuses the request, or the session ends.
            WriteFailed: the process does not take the request.
            TimeoutError: no response in time.
        """
        request_id = f"xswarm-{next(self._numbers)}"
        future: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self._pending[request_id] = future
        try:
            await self._process.write(frames.control_request(request_id, request), timeout=timeout)
            return await asyncio.wait_for(future, timeout)
        finally:
            del self._pending[request_id]

    def settle(self, response: ControlResponse) -> None:
        """Hand a response to the request that it answers; a response to no open request is logged."""
        future = self._pending.get(response.request_id)
        if future is None or future.done():
            logger.debug("%s: a response to no open request", self._name)
        elif response.error is not None:
            future.set_exception(Unanswered(self._redaction.clean(response.error)))
        else:
            future.set_result(response.body)

    def fail_all(self, why: str) -> None:
        """Fail all open requests: no response will come any more."""
        for future in self._pending.values():
            if not future.done():
                future.set_exception(Unanswered(why))
