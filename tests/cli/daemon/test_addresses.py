"""The daemon is found by its addresses in state.dir, or by the environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.daemon import addresses
from cli.failures import Unreachable
from supervisor.config import Config, State
from supervisor.protocol.errors import ConfigError, NotAuthenticated
from tests.slowness import scaled

URL = "ws://127.0.0.1:9999"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(state=State(dir=str(tmp_path)))


def write(tmp_path: Path, pid: int | None = None) -> None:
    token_file = tmp_path / "operator.token"
    token_file.write_text("secret\n", encoding="utf-8")
    written = {"pid": pid or os.getpid(), "socket": URL, "http": "http://127.0.0.1:8787"}
    text = json.dumps({**written, "operator_token_file": str(token_file)})
    (tmp_path / "addresses.json").write_text(text, encoding="utf-8")


def test_running_daemon_is_found_by_its_state(tmp_path: Path, config: Config) -> None:
    write(tmp_path)
    daemon = addresses.find(config)
    assert (daemon.socket, daemon.http, daemon.token) == (URL, "http://127.0.0.1:8787", "secret")
    assert "secret" not in repr(daemon)


def test_no_addresses_is_no_daemon(config: Config, tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=str(tmp_path)):
        addresses.find(config)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pid": "x"}', '{"pid": 1}'])
def test_broken_addresses_are_no_daemon(tmp_path: Path, config: Config, text: str) -> None:
    (tmp_path / "addresses.json").write_text(text, encoding="utf-8")
    assert addresses.local(config) is None


def test_addresses_of_a_dead_daemon_are_not_trusted(tmp_path: Path, config: Config) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait(scaled(20))
    write(tmp_path, process.pid)
    assert addresses.local(config) is None


def test_environment_names_another_daemon(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPERVISOR_WEBSOCKET_URL", "wss://swarm.example.org")
    monkeypatch.setenv("SUPERVISOR_TOKEN", "mine")
    daemon = addresses.find(config)
    assert (daemon.socket, daemon.token) == ("wss://swarm.example.org", "mine")


def test_token_may_stand_in_a_file(config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("mine\n", encoding="utf-8")
    monkeypatch.setenv("SUPERVISOR_WEBSOCKET_URL", URL)
    monkeypatch.setenv("SUPERVISOR_TOKEN_FILE", str(tmp_path / "token"))
    assert addresses.find(config).token == "mine"
    monkeypatch.setenv("SUPERVISOR_TOKEN_FILE", str(tmp_path / "missing"))
    with pytest.raises(ConfigError, match="SUPERVISOR_TOKEN_FILE"):
        addresses.find(config)


def test_own_token_replaces_the_operators(tmp_path: Path, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    monkeypatch.setenv("SUPERVISOR_TOKEN", "mine")
    assert addresses.find(config).token == "mine"


def test_operator_token_is_never_sent_elsewhere(
    tmp_path: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)
    monkeypatch.setenv("SUPERVISOR_WEBSOCKET_URL", "ws://127.0.0.1:1")
    with pytest.raises(NotAuthenticated):
        addresses.find(config)
    monkeypatch.setenv("SUPERVISOR_WEBSOCKET_URL", URL + "/")
    assert addresses.find(config).token == "secret"


def test_url_must_be_a_websocket(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPERVISOR_WEBSOCKET_URL", "http://127.0.0.1:9999")
    with pytest.raises(ConfigError, match="ws://"):
        addresses.find(config)
