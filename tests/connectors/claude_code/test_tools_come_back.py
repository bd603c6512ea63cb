"""A running Claude Code gets the tools of a server that came back, or that has changed them, with its next prompt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from supervisor.models.offline.model import OfflineModel
from supervisor.protocol.conversation import Failed, Finished, Prompt, ToolEndpoint, ToolFinished
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import MessageId
from tests.connectors.claude_code.support import Policy, Reader, make_connector, make_spec, opened, script, tool
from tests.slowness import scaled

pytestmark = pytest.mark.cli_process

WITHOUT = "(Without the tools of wards, which could not be reached.)"


class Wards:
    """A tool server as the daemon shows it to Claude Code.

    Attributes:
        works: else it answers 503, as the daemon does for a server that is down.
        tools: the names of its tools.
        outdated: what the daemon says of it.
        listed: how often its tools were asked for.
        hangs: while it is clear, nothing is answered.
        asked: a request has come.
    """

    def __init__(self) -> None:
        self.works = False
        self.tools = ["count_beds"]
        self.outdated: Sequence[str] = ()
        self.listed = 0
        self.hangs = asyncio.Event()
        self.hangs.set()
        self.asked = asyncio.Event()

    async def answer(self, request: web.Request) -> web.Response:
        message = await request.json()
        self.asked.set()
        await self.hangs.wait()
        if not self.works:
            return web.json_response({"error": "this tool server does not work now"}, status=503)
        if "id" not in message:
            return web.Response(status=202)
        return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": self._result(message)})

    def _result(self, message: dict[str, Any]) -> dict[str, Any]:
        match message["method"]:
            case "initialize":
                server = {"name": "wards", "version": "1"}
                return {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": server}
            case "tools/list":
                self.listed += 1
                schema = {"type": "object", "properties": {}}
                return {"tools": [{"name": name, "description": name, "inputSchema": schema} for name in self.tools]}
            case "tools/call":
                return {"content": [{"type": "text", "text": "seven"}], "isError": False}
            case _:
                return {}


@asynccontextmanager
async def talking(folder: Path, wards: Wards) -> AsyncIterator[Reader]:
    """Open a session of the real Claude Code that may use the server."""
    app = web.Application()
    app.router.add_post("/mcp/wards", wards.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/mcp/wards"
    endpoint = ToolEndpoint(urls={"wards": url}, token="t", timeout=scaled(20.0), outdated=lambda: wards.outdated)
    try:
        async with OfflineModel() as model:
            spec = make_spec(folder, model.url, Policy(), tool_endpoint=endpoint)
            async with opened(make_connector(folder), spec) as reader:
                yield reader
    finally:
        await runner.cleanup()


async def test_a_server_that_came_back_and_one_with_new_tools_are_there_with_the_next_prompt(tmp_path: Path) -> None:
    wards = Wards()
    async with talking(tmp_path, wards) as reader:
        first = (await reader.ask(script({"text": "Hello."})))[-1]
        assert isinstance(first, Finished)
        assert first.text == f"{WITHOUT}\n\nHello."

        wards.works, wards.outdated = True, ["wards"]
        events = await reader.ask(script({"tools": [tool("mcp__wards__count_beds")]}, {"text": "Seven beds."}))
        assert isinstance(events[-1], Finished)
        assert events[-1].text == "Seven beds."
        assert [event.failed for event in events if isinstance(event, ToolFinished)] == [False]

        wards.outdated, listed = (), wards.listed
        await reader.ask(script({"text": "Nothing new."}))
        assert wards.listed == listed, "nothing is asked for without a cause"

        wards.tools, wards.outdated = ["count_beds", "count_nurses"], ["wards"]
        events = await reader.ask(script({"tools": [tool("mcp__wards__count_nurses")]}, {"text": "Two nurses."}))
        assert [event.failed for event in events if isinstance(event, ToolFinished)] == [False]


async def test_a_prompt_is_answered_without_a_server_that_cannot_be_reached_again(tmp_path: Path) -> None:
    wards = Wards()
    async with talking(tmp_path, wards) as reader:
        wards.outdated = ["wards"]
        last = (await reader.ask(script({"text": "Hello."})))[-1]
        assert isinstance(last, Finished)
        assert last.text == f"{WITHOUT}\n\nHello."


async def test_an_interrupt_while_a_server_is_reached_again_ends_the_turn_that_waits_for_it(tmp_path: Path) -> None:
    wards = Wards()
    async with talking(tmp_path, wards) as reader:
        wards.outdated = ["wards"]
        wards.hangs.clear()
        wards.asked.clear()
        endless = Prompt(message_id=MessageId(uuid7()), text=script({"text": "one two", "token_delay": 60.0}))
        prompting = asyncio.create_task(reader.conversation.prompt(endless))
        await asyncio.wait_for(wards.asked.wait(), scaled(20.0))
        stopping = asyncio.create_task(reader.conversation.interrupt())
        wards.hangs.set()
        await asyncio.gather(prompting, stopping)
        end = (await reader.turn())[-1]
        assert isinstance(end, Failed)
        assert end.interrupted
