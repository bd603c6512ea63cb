"""What the doctor says of a daemon, running or not."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import socket
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from supervisor.config import Config, Http, NodeConfig, State, Supervisor
from supervisor.doctor import running
from supervisor.protocol.ports.checks import Standing
from supervisor.wires.standby import StandbyServer
from tests.ports import free_port
from tests.supervisor.harness import OPERATOR
from tests.supervisor.wires.http.serving import Served


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(state=State(dir=str(tmp_path)), supervisor=Supervisor(port=0), http=Http(port=0))


def write_addresses(folder: Path, **changed: Any) -> None:
    known = {
        "pid": os.getpid(),
        "http": "http://127.0.0.1:1",
        "socket": "",
        "operator_token_file": str(folder / "token"),
    }
    (folder / "addresses.json").write_text(json.dumps(known | changed), encoding="utf-8")


def test_no_daemon_is_found_where_none_wrote_its_addresses(config: Config) -> None:
    assert running.addresses(config) is None
    (config.state_dir / "addresses.json").write_text("{}", encoding="utf-8")
    assert running.addresses(config) is None
    (config.state_dir / "addresses.json").write_text("no JSON", encoding="utf-8")
    assert running.addresses(config) is None


def test_addresses_of_a_daemon_that_died_count_for_nothing(config: Config) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    write_addresses(config.state_dir, pid=child)
    assert running.addresses(config) is None


def test_a_daemon_of_another_user_runs() -> None:
    with tempfile.TemporaryDirectory() as name:  # not tmp_path: the other user must get there
        os.chmod(name, 0o755)
        write_addresses(Path(name), pid=1)
        os.chmod(Path(name) / "addresses.json", 0o644)
        config = Config(state=State(dir=name))
        child = os.fork()
        if child == 0:
            if os.geteuid() == 0:
                os.setuid(65534)
            found = running.addresses(config)
            os._exit(0 if found is not None and found["pid"] == 1 else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="making a folder somebody else's takes root")
def test_a_folder_of_another_user_is_not_taken_for_one_without_a_daemon() -> None:
    with tempfile.TemporaryDirectory() as name:
        write_addresses(Path(name))
        config = Config(state=State(dir=name))
        child = os.fork()
        if child == 0:
            os.setuid(65534)
            try:
                running.addresses(config)
            except PermissionError:
                os._exit(0)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_demo_on_this_state_is_a_daemon_too(config: Config) -> None:
    demo = config.state_dir / "demo"
    demo.mkdir()
    write_addresses(demo)
    assert running.addresses(config) is not None


async def test_a_daemon_that_does_not_answer_has_failed(config: Config) -> None:
    write_addresses(config.state_dir)
    found = running.addresses(config)
    assert found is not None
    (check,) = await running.daemon(found)
    assert check.status is Standing.FAILED
    assert check.remedy


def test_a_port_that_somebody_has_is_named_with_its_key(config: Config) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = dataclasses.replace(config, http=Http(host="127.0.0.1", port=holder.getsockname()[1]))
        by_name = {check.name: check for check in running.ports(taken)}
    assert by_name["http.port"].status is Standing.FAILED
    assert "http.port" in by_name["http.port"].remedy
    assert by_name["supervisor.port"].status is Standing.OK


async def test_a_node_that_stands_by_is_told_and_not_a_port_that_somebody_has(config: Config) -> None:
    standby = dataclasses.replace(config, node=NodeConfig(standby=True))
    async with StandbyServer(Http(port=free_port())) as server:
        server.active = "rack-1"
        at = dataclasses.replace(standby, http=Http(port=int(server.url.rpartition(":")[2])))
        (check,) = await asyncio.to_thread(running.ports, at)
        assert (check.name, check.status) == ("daemon", Standing.OK)
        assert check.detail == "This node stands by: rack-1 is active"
    by_name = {check.name: check for check in await asyncio.to_thread(running.ports, at)}
    assert by_name["http.port"].status is Standing.OK
    assert "not running" in by_name["daemon"].detail


def test_replies_that_do_not_leave_are_a_warning_that_names_the_first() -> None:
    assert running.replies([]).status is Standing.OK
    late = {"reply_id": "r1", "user_id": "ann", "channel": "mail", "state": "pending", "reason": "greylisted"}
    check = running.replies([late, {**late, "reply_id": "r2", "state": "dead"}])
    assert check.status is Standing.WARNING
    assert check.detail == "1 late, 1 given up or not delivered within a day; r1 to ann by mail: greylisted"
    assert "xswarm claude queue" in check.remedy


async def test_a_damaged_database_of_a_running_daemon_is_told_with_its_remedy(tmp_path: Path) -> None:
    async with Served(tmp_path) as served:
        write_addresses(tmp_path, http=served.server.url)
        (tmp_path / "token").write_text(OPERATOR, encoding="utf-8")
        await served.core.store.close()
        (tmp_path / "xswarm.db").write_bytes(b"no database" * 5_000)
        found = running.addresses(Config(state=State(dir=str(tmp_path))))
        assert found is not None
        checks = {check.name: check for check in await running.daemon(found)}
    database = checks["database"]
    assert database.status is Standing.FAILED
    assert "problems" not in database.detail
    assert database.detail.startswith("Storage failed: ")
    assert database.remedy


async def test_what_answers_on_the_port_of_a_daemon_may_be_no_daemon(config: Config) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n[42]")

        thread = threading.Thread(target=answer)
        thread.start()
        write_addresses(config.state_dir, http=f"http://127.0.0.1:{listener.getsockname()[1]}")
        found = running.addresses(config)
        assert found is not None
        (check,) = await running.daemon(found)
        thread.join()
    assert check.status is Standing.FAILED
    assert check.detail == f"pid {os.getpid()} does not answer: what answers is no xswarm"


def test_tool_servers_that_do_not_work_are_named_with_the_reason() -> None:
    assert running.tool_servers([]).detail == "none is configured"
    works = {"name": "residency", "works": True, "why": "", "tools": [{}, {}]}
    check = running.tool_servers([works])
    assert (check.status, check.detail) == (Standing.OK, "connected: residency (2 tools)")
    down = {"name": "wards", "works": False, "why": "it ended with exit code 1", "tools": []}
    check = running.tool_servers([works, down])
    assert check.status is Standing.WARNING
    assert check.detail == "these do not work, everything else does: wards (it ended with exit code 1)"
    assert "[mcp.NAME]" in check.remedy
