"""A control request gets the response with its id, or fails."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connectors.claude_code.process.fence import NO_FENCE
from connectors.claude_code.process.process import Process
from connectors.claude_code.protocol.frames import ControlResponse, LineSplitter, Unanswered
from connectors.claude_code.protocol.redaction import Redaction
from connectors.claude_code.requests import ControlRequests
from supervisor.protocol.conversation import PROCESS_MARK
from tests.slowness import scaled

ECHO = "import os\nwhile data := os.read(0, 65536): os.write(1, data)"


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[Process]:
    """A process that writes back what it reads."""
    mark = uuid.uuid4().hex
    environment = {"PATH": os.environ["PATH"], PROCESS_MARK: mark}
    argv = [sys.executable, "-IS", "-c", ECHO]
    echo = await Process.start(argv, cwd=str(tmp_path), env=environment, fence=NO_FENCE, mark=mark)
    yield echo
    await echo.kill(scaled(5.0))


@pytest.fixture
def requests(process: Process) -> ControlRequests:
    return ControlRequests(process, Redaction(["hunter22"]), name="session-1")


async def sent(process: Process, count: int) -> list[str]:
    """Return the ids of the next requests that the process has read."""
    splitter, ids = LineSplitter(), list[str]()
    async with asyncio.timeout(scaled(30.0)):
        while len(ids) < count:
            ids += [json.loads(line)["request_id"] for line in splitter.feed(await process.read())]
    return ids


async def test_responses_in_any_order_reach_their_requests(process: Process, requests: ControlRequests) -> None:
    async with asyncio.TaskGroup() as group:
        first = group.create_task(requests.ask({"subtype": "initialize"}, scaled(30.0)))
        second = group.create_task(requests.ask({"subtype": "interrupt"}, scaled(30.0)))
        one, two = await sent(process, 2)
        requests.settle(ControlResponse(request_id=two, body={"number": 2}))
        requests.settle(ControlResponse(request_id="unknown", body={}))
        requests.settle(ControlResponse(request_id=one, body={"number": 1}))
    assert (first.result(), second.result()) == ({"number": 1}, {"number": 2})


async def test_a_refusal_is_quoted_without_secrets(process: Process, requests: ControlRequests) -> None:
    asking = asyncio.create_task(requests.ask({}, scaled(30.0)), name="ask")
    (request_id,) = await sent(process, 1)
    requests.settle(ControlResponse(request_id=request_id, body={}, error="no hunter22 here"))
    with pytest.raises(Unanswered, match=r"^no \*\*\* here$"):
        await asking


async def test_the_end_of_a_session_fails_what_is_open(process: Process, requests: ControlRequests) -> None:
    asking = asyncio.create_task(requests.ask({}, scaled(30.0)), name="ask")
    await sent(process, 1)
    requests.fail_all("the session was closed")
    with pytest.raises(Unanswered, match="the session was closed"):
        await asking


async def test_no_response_in_time_is_a_timeout(requests: ControlRequests) -> None:
    with pytest.raises(TimeoutError):
        await requests.ask({}, 0.05)
