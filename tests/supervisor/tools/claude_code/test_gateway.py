"""The gateway of tools: whoever has a token of a process may call what the policy has allowed, once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import httpx2
import pytest
import pytest_asyncio
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from supervisor.people.identity import Directory
from supervisor.protocol.messages import SessionId, UserId
from supervisor.protocol.status import Role
from supervisor.protocol.tools import ToolCall, ToolOutput
from supervisor.store import SqliteStore, open_store
from supervisor.tools.claude_code.gateway import ToolGateway
from supervisor.tools.claude_code.session_tools import NO_TURN, NOT_DECIDED, SessionTools
from supervisor.tools.servers.servers import ToolServers
from supervisor.tools.turn_tools import Toolbox
from tests.slowness import scaled
from tests.supervisor.harness import seal
from tests.supervisor.tools.test_turn_tools import directory, set_roles
from tests.tool_servers.programs import NAME, connected, noted, started, table
from tests.tool_servers.server_program import ANN
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALICE, OLGA = UserId("alice"), UserId("olga")
REFERENCE = f"entity-{ANN[:8]}"


@dataclass
class Process:
    """A process of Claude Code as the gateway sees it.

    Attributes:
        user: of the running turn.
    """

    gateway: ToolGateway
    tools: SessionTools
    http: aiohttp.ClientSession
    user: list[UserId | None]
    numbers: list[int] = field(default_factory=lambda: [0])

    async def post(self, body: Any, *, server: str = NAME, **headers: str) -> tuple[int, Any]:
        sent = {"Authorization": f"Bearer {self.tools.endpoint.token}", **headers}
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.http.post(f"{self.gateway.url}/mcp/{server}", data=raw, headers=sent) as response:
            text = await response.text()
            return response.status, json.loads(text) if text.startswith("{") else text

    async def ask(self, method: str, **params: Any) -> Any:
        self.numbers[0] += 1
        status, answer = await self.post({"jsonrpc": "2.0", "id": self.numbers[0], "method": method, "params": params})
        assert status == 200, answer
        return answer["result"] if "result" in answer else answer["error"]

    async def call(self, tool: str, **arguments: Any) -> Any:
        return await self.ask("tools/call", name=tool, arguments=arguments)

    def allow(self, tool: str, **arguments: Any) -> None:
        self.tools.allow(ToolCall(tool_use_id="t", name=f"mcp__{NAME}__{tool}", input=arguments))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tools") / "journal"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def servers(journal: Path) -> AsyncIterator[ToolServers]:
    async with connected({NAME: table(journal)}) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await open_store(tmp_path / "xswarm.db", seal=seal)
    yield opened
    await opened.close()


@pytest.fixture
def people() -> Directory:
    return directory(alice=Role.ADMIN, olga=Role.OPERATOR)


@pytest_asyncio.fixture(loop_scope="module")
async def process(servers: ToolServers, store: SqliteStore, people: Directory) -> AsyncIterator[Process]:
    user: list[UserId | None] = [ALICE]
    async with (
        ToolGateway(Toolbox(servers, people, store.references)) as gateway,
        aiohttp.ClientSession() as http,
    ):
        tools = await gateway.issue(SessionId("session-1"), ALICE, lambda: user[0])
        assert tools is not None
        yield Process(gateway, tools, http, user)


async def test_who_has_no_role_for_a_server_gets_no_token(process: Process) -> None:
    assert await process.gateway.issue(SessionId("session-2"), OLGA, lambda: OLGA) is None
    assert process.tools.endpoint.urls == {NAME: f"{process.gateway.url}/mcp/{NAME}"}
    assert process.tools.endpoint.token not in repr(process.tools.endpoint)


async def test_a_client_of_the_protocol_lists_and_calls(process: Process) -> None:
    headers = {"Authorization": f"Bearer {process.tools.endpoint.token}"}
    async with httpx2.AsyncClient(headers=headers, trust_env=False, timeout=scaled(30.0)) as http:
        url = process.tools.endpoint.urls[NAME]
        async with Client(streamable_http_client(url, http_client=http)) as client:
            listed = (await client.list_tools()).tools
            assert {"people", "swap"} <= {tool.name for tool in listed}
            process.allow("people")
            result = await client.call_tool("people", {})
    assert not result.is_error
    assert REFERENCE in str(result.content)
    assert "Ann Lee" not in str(result.content)


async def test_a_process_has_the_tools_that_it_was_told_of_until_they_change(
    store: SqliteStore, people: Directory, tmp_path: Path
) -> None:
    tables = {NAME: table(tmp_path / "journal"), "broken": table(tmp_path / "journal", command="/no/such/program")}
    async with started(tables) as servers, ToolGateway(Toolbox(servers, people, store.references)) as gateway:
        tools = await gateway.issue(SessionId("session-1"), ALICE, lambda: ALICE)
        assert tools is not None
        clinic = servers.named(NAME)
        assert clinic is not None
        await until(lambda: clinic.works, "the server is connected", 30.0)
        assert list(tools.endpoint.outdated()) == [NAME], "one that does not work has no tools to tell of"
        tools.listed("broken")
        tools.listed(NAME)
        assert list(tools.endpoint.outdated()) == []
        await clinic.call(clinic.tools["more_tools"], {})
        await until(lambda: "added" in clinic.tools, "the new tool is known")
        assert list(tools.endpoint.outdated()) == [NAME]
        assert "added" in {tool.name for tool in tools.listed(NAME)}
        assert list(tools.endpoint.outdated()) == []


async def test_a_call_runs_once_and_only_as_it_was_allowed(process: Process, journal: Path) -> None:
    process.allow("swap", from_person="a", to_person="b")
    before = len(noted(journal))
    for arguments in ({}, {"from_person": "b", "to_person": "a"}, {"from_person": "a", "to_person": "b", "reason": ""}):
        refused = await process.call("swap", **arguments)
        assert refused == {"content": [{"type": "text", "text": NOT_DECIDED}], "isError": True}
    assert not (await process.call("swap", to_person="b", from_person="a"))["isError"]
    assert (await process.call("swap", from_person="a", to_person="b"))["isError"]
    assert noted(journal)[before:] == ["swap a b "]


async def test_what_was_allowed_ends_with_its_turn(process: Process, journal: Path) -> None:
    before = len(noted(journal))
    process.allow("people")
    process.tools.forget()
    assert (await process.call("people"))["isError"]
    process.allow("people")
    process.user[0] = None
    assert (await process.call("people"))["content"][0]["text"] == NO_TURN
    assert len(noted(journal)) == before


async def test_the_role_of_the_turns_user_is_read_again_for_each_call(process: Process, people: Directory) -> None:
    process.allow("people")
    process.user[0] = OLGA
    assert "UnknownTool" in (await process.call("people"))["content"][0]["text"]
    process.user[0] = ALICE
    process.allow("people")
    set_roles(people, alice=Role.OPERATOR)
    assert "UnknownTool" in (await process.call("people"))["content"][0]["text"]


async def test_a_call_is_shown_to_its_person_with_names(process: Process) -> None:
    process.allow("people")
    await process.call("people")
    call = ToolCall(tool_use_id="t", name=f"mcp__{NAME}__swap", input={"from_person": REFERENCE, "to_person": "x"})
    shown = await process.tools.shown(call)
    assert isinstance(shown, ToolCall)
    assert (shown.name, shown.input) == (call.name, {"from_person": "Ann Lee", "to_person": "x"})
    assert process.tools.hidden("Ann Lee: no") == f"{REFERENCE}: no"
    unknown = await process.tools.shown(ToolCall(tool_use_id="t", name=call.name, input={"from_person": "entity-0"}))
    assert isinstance(unknown, ToolOutput)
    assert "entity-0 stands for nobody" in unknown.text
    other = ToolCall(tool_use_id="t", name="Bash", input={"command": f"echo {REFERENCE}"})
    assert await process.tools.shown(other) == other
    assert process.tools.reading == {f"mcp__{NAME}__people"}


async def test_a_token_ends_with_its_process(process: Process) -> None:
    assert (await process.post({}, Authorization="Bearer wrong"))[0] == 403
    assert (await process.post({}, Authorization=f"Basic {process.tools.endpoint.token}"))[0] == 403
    assert (await process.post({}, Origin="http://127.0.0.1"))[0] == 403
    process.gateway.revoke(process.tools)
    process.gateway.revoke(process.tools)
    status, answer = await process.post({"jsonrpc": "2.0", "id": 1, "method": "ping"})
    assert (status, list(answer)) == (403, ["error"])


async def test_bad_requests_are_refused(process: Process) -> None:
    assert (await process.post(b"{"))[0] == 400
    assert (await process.post({"jsonrpc": "2.0", "id": 1, "method": "initialize"}, server="nothing"))[0] == 503
    assert (await process.ask("resources/list"))["code"] == -32601
    assert (await process.ask("tools/call", name=5))["code"] == -32602
    assert (await process.ask("ping")) == {}
    assert (await process.post({"jsonrpc": "2.0", "method": "notifications/initialized"}))[0] == 202
    async with process.http.get(f"{process.gateway.url}/mcp/{NAME}") as response:
        assert response.status == 405


@pytest.mark.parametrize("way", ["notification", "disconnect"])
async def test_a_cancelled_call_is_cancelled_at_the_server(process: Process, journal: Path, way: str) -> None:
    before = noted(journal).count("hang was cancelled")
    began = noted(journal).count("hang began")
    process.allow("hang")
    task = asyncio.create_task(process.call("hang"))
    await until(lambda: noted(journal).count("hang began") > began, "the call has begun")
    if way == "notification":
        body = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": process.numbers[0]}}
        assert (await process.post(body))[0] == 202
        assert "cancelled" in (await task)["message"]
    else:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await until(lambda: noted(journal).count("hang was cancelled") > before, "the server was told")
