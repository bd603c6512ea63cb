"""`/ws/claude` to the letter of docs/protocol.md, with the real Claude Code behind a whole daemon."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from connectors.claude_code.process import installation
from tests.e2e.world import HANG, World, script
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process, pytest.mark.asyncio(loop_scope="module")]

WILD = """
[projects.wild]
path = "{path}"
users = ["erin"]
permissions = "full"
"""
"""A project where a shell command needs no yes."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One daemon with the real Claude Code for all tests; each leaves it as it was."""
    folder = tmp_path_factory.mktemp("world")
    async with World(folder, tables=WILD.format(path=folder / "wild")) as world:
        (folder / "wild").mkdir()
        await world.start()
        yield world


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def echo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One daemon for all whose Claude Code is an echo: nothing is started."""
    async with World(tmp_path_factory.mktemp("echo"), connector="echo") as world:
        await world.start()
        yield world


def opened(world: World, query: str = "user_id=alice", token: str | None = "", **options: Any) -> connect:
    """Return a connection to be entered; `token` None = without one, empty = the operator's."""
    headers = {} if token is None else {"Authorization": f"Bearer {token or world.daemon.token}"}
    url = f"{world.http.replace('http', 'ws', 1)}/ws/claude?{query}"
    return connect(url, additional_headers=headers, proxy=None, **options)


async def read(connection: ClientConnection) -> tuple[list[dict[str, Any]], int]:
    """Return all frames until the end, and the close code."""
    frames = []
    try:
        while True:
            frames.append(json.loads(await connection.recv()))
    except ConnectionClosed as closed:
        return frames, closed.rcvd.code if closed.rcvd is not None else 0


async def say(world: World, message: Any, query: str = "user_id=alice") -> tuple[list[dict[str, Any]], int]:
    """Open, send one message, and read until the end."""
    async with opened(world, query) as connection:
        assert json.loads(await connection.recv()) == {"info": "send {prompt,meta}"}
        await connection.send(message if isinstance(message, str) else json.dumps(message))
        return await read(connection)


async def test_each_line_is_a_frame_as_it_comes_and_the_end_is_1000(world: World) -> None:
    listed = (await world.operator("GET", "/api/claude-code/sessions?user_id=alice")).json()["sessions"]
    before = {session["session_id"] for session in listed}
    frames, code = await say(world, {"prompt": "say hello", "meta": "TASK-123"})
    assert code == 1000
    kinds = [frame["type"] for frame in frames]
    assert set(kinds) <= {"system", "assistant", "user", "result"}
    assert [frame["subtype"] for frame in frames if frame["type"] == "system"] == ["init"]
    assert (kinds[0], kinds.count("result"), kinds[-1]) == ("system", 1, "result")
    (result,) = [frame for frame in frames if frame["type"] == "result"]
    assert result["is_error"] is False
    listed = (await world.operator("GET", "/api/claude-code/sessions?user_id=alice")).json()["sessions"]
    (session,) = [session for session in listed if session["session_id"] not in before]
    assert session["session_id"].startswith("stream-")
    assert (session["status"], session["message_count"]) == ("disconnected", 1)
    assert session["cost_usd"] > 0
    history = (await world.operator("GET", f"/api/claude-code/sessions/{session['session_id']}/messages")).json()
    assert history["messages"][0]["message"] == "say hello\n\n[meta:TASK-123]"
    await until(lambda: not world.agents(), "its process is gone", 10)


async def test_partial_messages_come_where_they_are_asked_for(world: World) -> None:
    frames, code = await say(world, {"prompt": "say hello"}, "user_id=alice&partial=1")
    kinds = [frame["type"] for frame in frames]
    assert (code, kinds[-1]) == (1000, "result")
    assert {"system", "stream_event", "assistant"} <= set(kinds)
    assert not any(kind.startswith("control") for kind in kinds)


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("{", "Bad JSON"),
        ("[]", "Bad JSON"),
        ('"hi"', "Bad JSON"),
        ({"meta": "A"}, "prompt: must be 1 to 8192 bytes of UTF-8"),
        ({"prompt": ""}, "prompt: must be 1 to 8192 bytes of UTF-8"),
        ({"prompt": " \n"}, "prompt: must not be blank"),
        ({"prompt": 5}, "prompt: must be 1 to 8192 bytes of UTF-8"),
        ({"prompt": "é" * 4097}, "prompt: must be 1 to 8192 bytes of UTF-8"),
        ({"prompt": "\ud800"}, "prompt: must be 1 to 8192 bytes of UTF-8"),
        ({"prompt": "hi", "meta": "task"}, r"meta: must match ^[A-Z0-9_\-]+$"),
        ({"prompt": "hi", "meta": ""}, r"meta: must match ^[A-Z0-9_\-]+$"),
        ({"prompt": "hi", "meta": "A\n"}, r"meta: must match ^[A-Z0-9_\-]+$"),
        ({"prompt": "hi", "meta": 1}, r"meta: must match ^[A-Z0-9_\-]+$"),
    ],
)
async def test_what_is_no_prompt_is_an_error_and_1008(echo: World, message: Any, error: str) -> None:
    assert await say(echo, message) == ([{"error": error}], 1008)


async def test_8192_bytes_are_a_prompt(echo: World) -> None:
    assert (await say(echo, {"prompt": "x" * 8192, "more": "is ignored"}))[1] == 1000


async def test_who_may_call_is_asked_at_the_handshake(echo: World) -> None:
    for token, query in ((None, ""), ("wrong", ""), (None, "token=wrong")):
        with pytest.raises(InvalidStatus) as refused:
            async with opened(echo, query, token):
                pass
        assert refused.value.response.status_code == 401
    made = await echo.operator("POST", "/api/admin/jwt", {"user_id": "alice", "minutes": 60})
    async with opened(echo, f"token={made.json()['token']}", None) as connection:
        assert "info" in json.loads(await connection.recv())
    long = await echo.operator("POST", "/api/admin/jwt", {"user_id": "alice", "minutes": 61})
    with pytest.raises(InvalidStatus):
        async with opened(echo, f"token={long.json()['token']}", None):
            pass
    with pytest.raises(InvalidStatus) as refused:
        async with opened(echo, origin="https://evil.example"):
            pass
    assert refused.value.response.status_code == 403
    assert made.json()["token"] not in "".join(echo.daemon.log)
    assert not [line for line in echo.daemon.log if "ERROR" in line or "handshake" in line]


async def test_a_user_without_the_right_and_a_foreign_project_are_refused(echo: World) -> None:
    bob = {"name": "Bob", "role": "OPERATOR", "phones": [], "emails": []}
    assert (await echo.operator("PUT", "/api/admin/users/bob", bob)).status_code == 200
    for query, part in (
        ("user_id=bob", "role OPERATOR may not start sessions"),
        ("user_id=nobody", "User not found: nobody"),
        ("user_id=alice&project=vault", "Project not allowed: vault"),
    ):
        (frame,), code = await say(echo, {"prompt": "hi"}, query)
        assert (code, part in frame["error"]) == (1008, True), frame
    (frame,), code = await say(echo, {"prompt": "hi"}, "user_id=alice&model=--evil")
    assert (frame, code) == ({"error": "model: must be the name of a model"}, 1008)


async def test_who_has_no_project_works_in_a_scratch_folder(world: World) -> None:
    carol = {"name": "Carol", "role": "COORDINATOR", "phones": [], "emails": []}
    assert (await world.operator("PUT", "/api/admin/users/carol", carol)).status_code == 200
    frames, code = await say(world, {"prompt": "say hello"}, "user_id=carol")
    assert code == 1000, frames
    (init, *_) = [frame for frame in frames if frame.get("subtype") == "init"]
    assert init["cwd"] == str(world.daemon.state / "scratch" / "carol")


async def test_a_failed_run_ends_with_1011(world: World) -> None:
    frames, code = await say(world, {"prompt": script({"errors": [400] * 20})})
    assert code == 1011
    assert "Claude Code failed" in frames[-1]["error"]


async def test_a_client_that_leaves_takes_its_process_with_it(world: World) -> None:
    async with opened(world) as connection:
        await connection.recv()
        await connection.send(json.dumps({"prompt": script(HANG)}))
        await connection.send("what comes later is ignored")
        await until(world.agents, "it runs", 30)
    await until(lambda: not world.agents(), "nothing of it is left", 10)
    await until(lambda: not world.turns("running"), "its turn has ended")


LOUD = """\
#!{python} -IS
import os, sys
if "--version" not in sys.argv:
    key = os.environ["ANTHROPIC_API_KEY"]
    sys.stderr.buffer.write(f'careful: "bl\u00e4tter"\\n\\nthe key is {{key}}\\n'.encode())
    sys.stderr.flush()
os.execv({cli!r}, [{cli!r}, *sys.argv[1:]])
"""
"""The real Claude Code, which says something on stderr first."""


async def test_each_line_of_stderr_is_an_error_frame_without_secrets(world: World) -> None:
    world.cli.write_text(LOUD.format(python=sys.executable, cli=installation.find(None)), encoding="utf-8")
    try:
        frames, code = await say(world, {"prompt": "say hello"})
    finally:
        world.restore_cli()
    assert code == 1000
    assert [frame for frame in frames if "type" not in frame] == [
        {"error": 'careful: "bl\u00e4tter"'},
        {"error": "the key is ***"},
    ]
    assert "result" in [frame.get("type") for frame in frames]


async def test_the_last_words_of_a_process_that_fails_are_frames_before_the_error_that_ends_it(world: World) -> None:
    program = r"ready(); sys.stdin.readline(); sys.stderr.write('bad\nout of luck'); sys.exit(7)"
    (world.project() / "cli.py").write_text(program, encoding="utf-8")
    try:
        frames, code = await say(world, {"prompt": "say hello"})
    finally:
        (world.project() / "cli.py").unlink()
    assert code == 1011
    *said, last = frames
    assert said == [{"error": "bad"}, {"error": "out of luck"}]
    assert "it ended by itself (exit code 7)" in last["error"]


def sleeping(seconds: str) -> list[int]:
    """Return the processes of this machine that have such a number among their arguments."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue  # gone meanwhile
        if words[0].endswith(b"sleep") and seconds.encode() in words:
            found.append(int(path.parent.name))
    return found


@pytest.mark.parametrize("abruptly", [False, True])
async def test_a_client_that_leaves_takes_a_shell_command_and_its_children_with_it(
    abruptly: bool, world: World
) -> None:
    erin = {"name": "Erin", "role": "ADMIN", "phones": [], "emails": []}
    assert (await world.operator("PUT", "/api/admin/users/erin", erin)).status_code == 200
    seconds = f"3600.{os.getpid()}{int(abruptly)}"
    command = f"sleep {seconds} & setsid sleep {seconds} & wait"
    prompt = script({"tools": [{"name": "Bash", "input": {"command": command}}]}, HANG)
    async with opened(world, "user_id=erin&project=wild") as connection:
        await connection.recv()
        await connection.send(json.dumps({"prompt": prompt}))
        await until(lambda: len(sleeping(seconds)) == 2, "both children of the shell run", 60, 0.1)
        if abruptly:
            connection.transport.abort()
    await until(lambda: not sleeping(seconds), "they are gone", 20, 0.1)
    await until(lambda: not world.agents(), "nothing of it is left", 20, 0.1)
    await until(lambda: not world.turns("running"), "its turn has ended")
    assert (await say(world, {"prompt": "say hello"}))[1] == 1000, "the daemon goes on"
