"""A node says its name, or that of the machine, and where the lock of its state.dir is."""

from __future__ import annotations

import socket
from pathlib import Path

from supervisor.cluster.joining import new_node
from supervisor.config import Config, NodeConfig, State
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
