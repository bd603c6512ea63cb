"""Notices to a service manager: when they are due, and over a real socket."""

from __future__ import annotations

import logging
import os
import secrets
import socket
from pathlib import Path

import pytest

from supervisor.runtime.systemd import Notices, ServiceManager


def test_signs_of_life_are_due_three_times_in_the_watchdogs_time() -> None:
    notices = Notices({"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "30000000"}, pid=7)
    assert notices.watchdog_seconds == 30
    due = [second for second in range(100, 131) if notices.alive(second)]
    assert due == [100, 110, 120, 130]


@pytest.mark.parametrize(
    "environ",
    [{}, {"WATCHDOG_USEC": ""}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}],
)
def test_nobody_waits_for_signs_of_life_of_this_process(environ: dict[str, str]) -> None:
    assert Notices(environ, pid=7).alive(1.0) == ""


@pytest.mark.parametrize(("given", "address"), [("/run/n", "/run/n"), ("@x", "\0x"), ("vsock:2:1", ""), ("", "")])
def test_address_of_the_socket(given: str, address: str) -> None:
    assert Notices({"NOTIFY_SOCKET": given}, pid=7).address == address


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_notices_arrive_at_the_managers_socket(kind: str, tmp_path: Path) -> None:
    name = str(tmp_path / "notify") if kind == "path" else f"\0xswarm-{secrets.token_hex(8)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(name)
        listener.settimeout(0.9)
        environ = {
            "NOTIFY_SOCKET": name.replace("\0", "@"),
            "WATCHDOG_USEC": "2000000",
            "WATCHDOG_PID": str(os.getpid()),
        }
        manager = ServiceManager(environ)
        manager.ready("xswarm is ready")
        manager.alive(1.0)
        manager.alive(1.1)
        manager.stopping()
        got = [listener.recv(4096).decode() for _ in range(3)]
    assert got == ["READY=1\nSTATUS=xswarm is ready", "WATCHDOG=1", "STOPPING=1\nSTATUS=running turns may end"]


def test_a_manager_that_is_gone_is_told_of_once_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    manager = ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "nowhere")})
    with caplog.at_level(logging.WARNING):
        manager.ready("ready")
        manager.stopping()
    assert len(caplog.records) == 1


def test_without_a_manager_nothing_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    ServiceManager({}).ready("ready")
    assert not caplog.records
