"""Calls of the admin API over HTTP, and their errors."""

from __future__ import annotations

import json
import os
import socket
import threading
from pathlib import Path

import pytest

from cli.daemon import admin
from cli.failures import Refused, Unreachable
from tests.cli.daemon_stand_in import DaemonStandIn
from tests.slowness import scaled


def test_answer_is_that_of_the_daemon(daemon: DaemonStandIn, config_file: Path) -> None:
    assert admin.call(config_file, "GET", "/api/admin/users") == {"users": []}


def test_empty_answer_is_an_empty_one(daemon: DaemonStandIn, config_file: Path) -> None:
    daemon.records.users["bob"] = {"id": "bob"}
    assert admin.call(config_file, "DELETE", admin.item("users", "bob")) == {}


def test_wrong_token_is_not_authenticated(daemon: DaemonStandIn, config_file: Path, state_dir: Path) -> None:
    (state_dir / "operator.token").write_text("wrong", encoding="utf-8")
    with pytest.raises(Refused, match="Not authenticated") as caught:
        admin.call(config_file, "GET", "/api/admin/users")
    assert caught.value.code == "not_authenticated"


def test_names_are_quoted() -> None:
    assert admin.item("users", "a/../b?c") == "/api/admin/users/a%2F..%2Fb%3Fc"


def test_question_about_the_daemon_needs_one(config_file: Path) -> None:
    with pytest.raises(Unreachable):
        admin.call(config_file, "POST", "/api/admin/route", {"text": "x"}, needs_daemon=True)


def test_address_where_nobody_listens_any_more_needs_a_start(config_file: Path, state_dir: Path) -> None:
    write_addresses(state_dir, 1)
    with pytest.raises(Unreachable):
        admin.call(config_file, "POST", "/api/admin/route", {"text": "x"}, needs_daemon=True)


def test_garbage_is_no_daemon(config_file: Path, state_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"hello\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        write_addresses(state_dir, server.getsockname()[1])
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1"):
            admin.call(config_file, "GET", "/api/admin/users")
        thread.join(scaled(10))


def write_addresses(state_dir: Path, port: int) -> None:
    state_dir.mkdir()
    token_file = state_dir / "operator.token"
    token_file.write_text("t", encoding="utf-8")
    written = {"pid": os.getpid(), "socket": "ws://127.0.0.1:1", "http": f"http://127.0.0.1:{port}"}
    text = json.dumps({**written, "operator_token_file": str(token_file)})
    (state_dir / "addresses.json").write_text(text, encoding="utf-8")
