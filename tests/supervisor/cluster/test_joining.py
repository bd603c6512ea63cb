"""A node says its name, or that of the machine, and where the lock of its state.dir is."""

from __future__ import annotations

import asyncio
import socket
import threading
from dataclasses import replace
from pathlib import Path

from supervisor.cluster.joining import NODE_ID, daemon_node, new_node, visitor
from supervisor.config import Config, NodeConfig, State, Storage
from supervisor.runtime.credentials import Credentials
from supervisor.runtime.lock import StateLock


def config(state: Path, name: str = "") -> Config:
    return Config(state=State(dir=str(state)), node=NodeConfig(name=name, labels=("gpu",), lease_seconds=5.0))


def test_a_node_without_a_name_has_that_of_the_machine(tmp_path: Path) -> None:
    with StateLock(tmp_path / "state"):
        assert new_node(config(tmp_path / "state")).name == socket.gethostname()
        named = new_node(config(tmp_path / "state", name="a"))
        assert (named.name, named.labels, named.lease_seconds) == ("a", ("gpu",), 5.0)


def test_whoever_has_one_lock_after_the_other_has_one_seat(tmp_path: Path) -> None:
    seats = []
    for name in ("one", "one", "two"):
        with StateLock(tmp_path / name):
            seats.append(new_node(config(tmp_path / name)).seat)
    assert seats[0] == seats[1] != seats[2]


def test_without_a_lock_no_two_starts_have_one_seat(tmp_path: Path) -> None:
    assert new_node(config(tmp_path)).seat != new_node(config(tmp_path)).seat


async def started(state: Path, name: str = "", url: str = "postgresql://127.0.0.1/xswarm") -> str:
    """Start a node; return as whom it keeps transcripts."""
    settings = replace(config(state, name), store=Storage(url=url))
    return (await daemon_node(settings, Credentials(state, {}), list)).keeper


async def test_the_id_of_a_node_is_made_once_private_and_stays_when_it_is_renamed(tmp_path: Path) -> None:
    one = await started(tmp_path / "one", "a")
    assert len(one) == 36
    assert await started(tmp_path / "one", "b") == one
    assert (tmp_path / "one" / NODE_ID).stat().st_mode & 0o777 == 0o600
    assert await started(tmp_path / "two", "a") != one


async def test_neither_a_node_that_is_alone_nor_a_request_of_the_command_line_makes_an_id(tmp_path: Path) -> None:
    assert await started(tmp_path, url="") == ""
    several = replace(config(tmp_path), store=Storage(url="postgresql://127.0.0.1/xswarm"))
    assert visitor(several).keeper == ""
    assert list(tmp_path.iterdir()) == []


async def test_a_folder_that_hangs_stops_neither_the_loop_nor_the_start(tmp_path: Path) -> None:
    several = replace(config(tmp_path, name="a"), store=Storage(url="postgresql://xswarm@127.0.0.1/xswarm"))
    credentials, mounted = Credentials(tmp_path, {}), threading.Event()

    def here() -> list[str]:
        mounted.wait()
        return ["site"]

    try:
        joined = await daemon_node(several, credentials, here, seconds=0.01)
        assert joined.projects == ()
        waiting = asyncio.create_task(daemon_node(several, credentials, here, seconds=60.0))
        await asyncio.sleep(0)
    finally:
        mounted.set()
    assert (await waiting).projects == ("site",)


async def test_a_node_on_sqlite_looks_at_no_folder(tmp_path: Path) -> None:
    def here() -> list[str]:
        raise AssertionError("it serves no other node")

    assert (await daemon_node(config(tmp_path), Credentials(tmp_path, {}), here)).projects == ()
