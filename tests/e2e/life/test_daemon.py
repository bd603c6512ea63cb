"""The daemon's life cycle: failed starts, drain, and what is left after SIGKILL."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.process import DaemonProcess
from tests.e2e.world import HANG, World, script, slow_answer, write_file
from tests.ports import free_ports
from tests.slowness import scaled
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process, pytest.mark.asyncio(loop_scope="module")]

DRAIN_SECONDS = scaled(4.0)

AGENTS_GONE_SECONDS = 5.0
"""The fence needs less than one second; a machine that is busy with other tests needs longer."""

ECHO = """
[claude_code]
connector = "echo"
"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("world")
    async with World(folder, projects=("site", "shop"), drain=DRAIN_SECONDS) as world:
        yield world


@pytest_asyncio.fixture(loop_scope="module")
async def world(shared: World) -> World:
    """One world for all tests; each test finds the daemon running, and may leave it in any state."""
    await shared.start()
    return shared


# -- what keeps it from starting


WRONG = {
    "[supervisor]\nprot = 1\n": "supervisor.prot: unknown key; known here: ack_after_seconds, ",
    '[http]\nport = "8787"\n': "http.port: input should be a valid integer",
    "[http]\nno toml\n": "is not TOML: ",
    '[channels.sms]\nacount_sid = "AC"\n': "channels.sms.acount_sid: unknown key; known here: account_sid",
    '[claude_code]\ncli_path = "/nowhere"\n': "claude_code.cli_path: there is no Claude Code at /nowhere\ninstall ",
}
"""Invalid configurations, each with a part of its error message."""


async def test_a_configuration_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    daemons = [DaemonProcess(tmp_path / str(number), arguments=("--offline",)) for number in range(len(WRONG))]
    for daemon, config in zip(daemons, WRONG, strict=True):
        daemon.config.write_text(f'{config}[state]\ndir = "{daemon.state}"\n', encoding="utf-8")
    said = await asyncio.gather(*(refusal(daemon) for daemon in daemons))
    assert [text for text, part in zip(said, WRONG.values(), strict=True) if part not in text] == []
    assert [daemon.state.exists() for daemon in daemons] == [False] * 4 + [True]  # nothing was begun before it was read


async def test_no_key_of_the_model_is_a_sentence(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path, config=ECHO, arguments=())
    assert await refusal(daemon) == "xswarm: ANTHROPIC_API_KEY: is not set\nset it, or start with --offline\n"


@pytest.fixture
def taken() -> Iterator[int]:
    """A port in use."""
    port = free_ports(2) + 1  # the demo takes the one before it for HTTP
    with socket.create_server(("127.0.0.1", port)):
        yield port


async def test_a_port_in_use_is_a_sentence_that_names_the_key(tmp_path: Path, taken: int) -> None:
    of_http = DaemonProcess(tmp_path / "a", config=ECHO, http=f"port = {taken}", arguments=("--offline",))
    of_socket = DaemonProcess(tmp_path / "b", config=ECHO, supervisor=f"port = {taken}", arguments=("--offline",))
    of_demo = DaemonProcess(tmp_path / "c", config=ECHO, http=f"port = {taken - 1}", arguments=("--demo",))
    said = await asyncio.gather(*(refusal(daemon) for daemon in (of_http, of_socket, of_demo)))
    assert said[0].startswith(f"xswarm: http.port: port {taken} of 127.0.0.1 is in use\n")
    assert said[1].startswith(f"xswarm: supervisor.port: port {taken} of 127.0.0.1 is in use\n")
    assert said[2].startswith(
        f"xswarm: http.port: the demo's stand-ins cannot listen beside it: port {taken} is in use\n"
    )
    if sys.platform.startswith("linux"):
        for each in said:
            assert f"(process {os.getpid()}, user " in each
            assert f"stop it (`kill {os.getpid()}`)" in each


async def test_a_second_daemon_on_the_same_state_is_refused(world: World) -> None:
    said = await refusal(world.daemon)
    assert said.startswith(
        f"xswarm: state.dir: another xswarm (pid {world.daemon.pid}) is using {world.daemon.state}\n"
    )
    assert (await world.ready())[0] == 200


async def refusal(daemon: DaemonProcess) -> str:
    """Start a daemon that cannot run; return its error message."""
    running = daemon.running
    ended = await daemon.fails_to_start()
    assert ended.code == 1
    assert ended.out == ""
    assert "Traceback" not in ended.err
    assert running or not (daemon.state / "addresses.json").exists()
    return ended.err[ended.err.index("xswarm: ") :]


# -- how it stops


async def test_sigterm_drains(world: World) -> None:
    site, shop = world.project("site"), world.project("shop")
    await world.text("@shop " + script(write_file(shop / "begun.txt", "x"), HANG))
    await until((shop / "begun.txt").exists, "the turn that does not end has begun", 60)
    await world.text("@site " + script(write_file(site / "begun.txt", "x"), slow_answer(10, 1.0)))
    await until((site / "begun.txt").exists, "the turn that ends in time has begun", 60)
    assert world.agents()

    assert await world.daemon.stop() == 0

    assert_nothing_is_left(world)
    assert any(answer.startswith("[site] w0 w1 w2 w3 w4 w5 w6 w7 w8 w9") for answer in world.answers())
    told = await world.answer("was interrupted: the daemon was shut down while it ran")
    assert f"These tools had started: Write {shop / 'begun.txt'}." in told
    assert world.turns("running") == []
    assert len(world.turns("interrupted")) == 1


async def test_a_second_sigterm_forces(world: World) -> None:
    stopping = log_lines(world, "stopping: ")
    await world.text("@site " + script({"delay": 2 * DRAIN_SECONDS, "text": "answered after all"}))
    await until(lambda: len(world.turns("running")) == 1, "it runs", 60)
    world.daemon.send_signal(signal.SIGTERM)
    await until(lambda: log_lines(world, "stopping: ") > stopping, "it drains")
    world.daemon.send_signal(signal.SIGTERM)
    assert await world.daemon.ended() == 1
    await until(lambda: not world.agents(), "no agent is left", AGENTS_GONE_SECONDS)
    assert len(world.turns("running")) == 1

    await world.start()
    await world.answer("answered after all")  # nothing had come of it, so it has run again
    assert world.turns("running") == []


@pytest.mark.requirement(27)
async def test_a_killed_daemon_leaves_no_agent_and_runs_no_tool_twice(world: World) -> None:
    site, known = world.project("site"), len(world.answers())
    started = world.tools_started()
    await world.text("@site " + script(write_file(site / "once.txt", "once"), HANG))
    await until(lambda: world.tools_started() > started and (site / "once.txt").exists(), "it has run a tool", 60)
    await world.text("assistant: " + script(slow_answer(20, 6.0)))
    await until(lambda: len(world.turns("running")) == 2, "the assistant answers, too", 60)
    (site / "once.txt").unlink()
    assert world.agents()

    await world.daemon.stop(signal.SIGKILL)
    await until(lambda: not world.agents(), "no agent is left", AGENTS_GONE_SECONDS)
    assert (world.daemon.state / "addresses.json").exists()

    await world.start()
    await world.answer(f"These tools had started: Write {site / 'once.txt'}.")
    assert log_lines(world, "after a crash: 1 sessions lost their process, 1 turns run again, 1 were interrupted") == 1
    # The assistant has no tools, so its turn runs again; and is answered once.
    await world.answer("w18 w19")
    assert sum("w18 w19" in text for text in world.answers()) == 1
    assert len(world.answers()) == known + 2
    assert world.turns("running") == world.turns("pending") == []
    assert not world.agents()

    # The conversation goes on, and what was cut off is not done again.
    assert "once.txt" not in await world.ask("@site list the files")
    assert not (site / "once.txt").exists()


def assert_nothing_is_left(world: World) -> None:
    """Check that neither agents nor the lock nor address files are left of the daemon."""
    state = world.daemon.state
    assert world.agents() == []
    assert list(state.glob("processes/*")) == []
    assert list(state.glob("*-wal")) == list(state.glob("*-shm")) == []
    assert not (state / "addresses.json").exists()
    assert not world.lmtp.exists()
    descriptor = os.open(state / "daemon.lock", os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(descriptor)


def log_lines(world: World, part: str) -> int:
    return sum(part in line for line in world.daemon.log)


async def test_the_demo_ends_when_the_terminal_is_closed(tmp_path: Path) -> None:
    demo = DaemonProcess(tmp_path, config=ECHO, arguments=("--demo",))
    async with demo:
        demo.send_signal(signal.SIGHUP)
        demo.send_signal(signal.SIGHUP)  # of the shell and of the kernel
        assert await demo.ended() == 0
    assert any("its terminal was closed" in line for line in demo.log)
