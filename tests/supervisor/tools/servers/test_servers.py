"""Tool servers, as programs and behind a URL: they are connected, called, cancelled, and connected again."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from supervisor.protocol.errors import ConfigError
from supervisor.protocol.status import Role
from supervisor.tools.servers.answer import Answer, CallFailed, ListedTool
from supervisor.tools.servers.server import ToolServer
from supervisor.tools.servers.servers import ToolServers, build
from tests import proc
from tests.tool_servers.programs import NAME, behind_url, connected, noted, started, table
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

Shared = tuple[ToolServer, Path]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["program", "url"])
async def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shared]:
    """One server for all tests that leave it working, with its journal."""
    journal = tmp_path_factory.mktemp(request.param) / "journal"
    if request.param == "program":
        async with connected({NAME: table(journal)}) as servers:
            yield first(servers), journal
        return
    async with behind_url(journal) as url:
        settings = table(journal, command="", args=(), env={}, cwd="", url=url)
        async with connected({NAME: settings}) as servers:
            yield first(servers), journal


@pytest.fixture
def server(shared: Shared) -> ToolServer:
    return shared[0]


def first(servers: ToolServers) -> ToolServer:
    found = servers.named(NAME)
    assert found is not None
    return found


def tool(server: ToolServer, name: str) -> ListedTool:
    return next(one for one in server.tools.values() if one.name == name)


async def call(server: ToolServer, name: str, **arguments: object) -> Answer:
    return await server.call(tool(server, name), arguments)


def started_pids(journal: Path) -> list[int]:
    return [int(line.split()[1]) for line in noted(journal) if line.startswith("started ")]


async def test_its_tools_are_listed_and_called(shared: Shared) -> None:
    server, journal = shared
    people = tool(server, "people")
    assert people.title == "People of the clinic"
    assert people.description == "List the people."
    assert people.schema["type"] == "object"
    answer = await call(server, "people")
    assert answer.structured["people"][0]["name"] == "Ann Lee"
    assert not answer.failed
    assert noted(journal)[-1] == "people"


async def test_a_tool_that_fails_says_so(server: ToolServer) -> None:
    answer = await call(server, "fail")
    assert answer.failed
    answer = await call(server, "crash")
    assert answer.failed
    assert "of the tests" not in answer.text


async def test_an_answer_of_10_mb_arrives(server: ToolServer) -> None:
    answer = await call(server, "large", size=10_000_000)
    assert len(answer.text) == 10_000_000


async def test_a_cancelled_call_is_cancelled_at_the_server(shared: Shared) -> None:
    server, journal = shared
    task = asyncio.create_task(call(server, "hang"))
    await until(lambda: "hang began" in noted(journal), "the call has begun")
    task.cancel()
    await until(lambda: "hang was cancelled" in noted(journal), "the server was told")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not (await call(server, "people")).failed


async def test_a_change_of_its_list_is_noticed(server: ToolServer) -> None:
    assert "added" not in server.tools
    await call(server, "more_tools")
    await until(lambda: "added" in server.tools, "the new tool is listed")


async def test_an_input_against_the_schema_is_found_without_its_values(server: ToolServer) -> None:
    assert server.problem(tool(server, "swap"), {"from_person": "a", "to_person": "b"}) == ""
    assert server.problem(tool(server, "swap"), {"from_person": "a"}) == "'to_person' is a required property"
    problem = server.problem(tool(server, "large"), {"size": "secret"})
    assert problem == "$.size is against 'type'"


async def test_a_call_that_takes_too_long_ends_and_the_server_is_told(journal: Path) -> None:
    async with connected({NAME: table(journal, timeout_seconds=0.2)}) as servers:
        with pytest.raises(CallFailed) as caught:
            await call(first(servers), "hang")
        assert caught.value.kind == "TimeoutError"
        await until(lambda: "hang was cancelled" in noted(journal), "the server was told")


async def test_a_server_that_dies_in_a_call_is_started_again_and_leaves_nothing_behind(journal: Path) -> None:
    async with connected({NAME: table(journal)}) as servers:
        server = first(servers)
        with pytest.raises(CallFailed) as caught:
            await call(server, "die")
        assert caught.value.kind == "ConnectionError"
        (child,) = [int(line.split()[1]) for line in noted(journal) if line.startswith("child ")]
        await until(lambda: not proc.lives(child), "the process that it left has ended")
        await until(lambda: server.works and len(started_pids(journal)) == 2, "it was started again", 30.0)
        assert not (await call(server, "people")).failed


async def test_a_server_that_does_not_end_is_killed(journal: Path) -> None:
    async with connected({NAME: table(journal)}) as servers:
        task = asyncio.create_task(call(first(servers), "block"))
        await until(lambda: "block began" in noted(journal), "it is blocked")
        (pid,) = started_pids(journal)
    assert not proc.lives(pid)
    with pytest.raises(CallFailed):
        await task


async def test_a_server_that_was_killed_is_named_until_it_works_again(journal: Path) -> None:
    async with connected({NAME: table(journal)}) as servers:
        server = first(servers)
        (pid,) = started_pids(journal)
        os.kill(pid, signal.SIGKILL)
        await until(lambda: not server.works, "its end is noticed")
        assert "killed by signal 9" in server.why
        with pytest.raises(CallFailed, match="ConnectionError"):
            await call(server, "people")
        await until(lambda: server.works, "it works again", 30.0)
        assert server.why == ""


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"command": "/no/such/program"}, "exit code 127"),
        ({"args": ("-c", "import sys; sys.exit(5)")}, "exit code 5"),
        ({"args": ("-c", "print('hello'); input()")}, "it "),
        ({"command": "", "args": (), "env": {}, "url": "http://127.0.0.1:9/mcp"}, "cannot be reached"),
    ],
)
async def test_a_server_that_does_not_start_is_named(settings: dict[str, object], why: str, journal: Path) -> None:
    async with started({NAME: table(journal, **settings)}) as servers:
        server = first(servers)
        await until(lambda: why in server.why and server.why != "it is starting", "its failure is known", 60.0)
        assert not server.works


async def test_its_environment_is_built_from_nothing(
    journal: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key-of-the-daemon")
    monkeypatch.setenv("LD_PRELOAD", "")
    env = {"JOURNAL": str(journal), "SERVER_SECRET": "Bearer ${OF_THE_SERVER}"}
    async with connected({NAME: table(journal, env=env)}, {"OF_THE_SERVER": "canary"}) as servers:
        found = (await call(first(servers), "environment")).structured
        assert Path(found["STATE_DIRECTORY"]).stat().st_mode & 0o777 == 0o700
        await until(lambda: f"tool server {NAME}: started with" in caplog.text, "its stderr is in the log")
    assert found["SERVER_SECRET"] == "Bearer canary"
    ours = {"PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "STATE_DIRECTORY", "XSWARM_PROCESS"}
    assert set(found) <= {*ours, "JOURNAL", "SERVER_SECRET"}


async def test_a_secret_that_is_not_set_stops_the_start(journal: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mcp.clinic.env: OF_THE_SERVER is not set"):
        await build({NAME: table(journal, env={"A": "${OF_THE_SERVER}"})}, lambda name: None, tmp_path)


async def test_names_that_no_model_may_use_are_replaced(journal: Path) -> None:
    async with connected({NAME: table(journal, read_only=("people", "odd name/of.a.tool"))}) as servers:
        server = first(servers)
        (safe,) = [safe for safe, one in server.tools.items() if one.name == "odd name/of.a.tool"]
        assert safe.startswith("odd_name_of_a_tool_")
        assert server.reads(safe)
        assert not server.reads("swap")
        assert servers.find(f"{NAME}__{safe}") == (server, server.tools[safe])
        assert servers.find(f"{NAME}__nothing") is None
        assert servers.find("nothing") is None
        assert servers.reading == {f"mcp__{NAME}__people", f"mcp__{NAME}__{safe}"}
        assert servers.of_role(Role.ADMIN) == [server]
        assert servers.of_role(Role.OPERATOR) == []
