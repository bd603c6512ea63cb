from __future__ import annotations

from pathlib import Path

import pytest

from connectors.remote.plugin import PLUGIN, RemoteConfig
from supervisor.protocol.errors import ConfigError
from tests.connectors.contract import PlainHost


@pytest.mark.parametrize(
    "url",
    [
        "ws://localhost:8080",
        "ws://LOCALHOST/claude?x=1",
        "ws://127.0.0.1:1",
        "ws://127.9.9.9",
        "ws://[::1]:8080/",
        "wss://claude.example.com/ws",
    ],
)
def test_tls_or_this_machine_is_accepted(url: str, tmp_path: Path) -> None:
    assert PLUGIN.build(RemoteConfig(websocket_url=url), PlainHost(tmp_path)).name == "remote"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("ws://claude.example.com/ws", "ws:// is for this machine alone, and claude.example.com is another one"),
        ("ws://192.0.2.7:8080", "ws:// is for this machine alone, and 192.0.2.7 is another one"),
        ("ws://localhost.example.com", "ws:// is for this machine alone, and localhost.example.com is another one"),
        ("ws://0.0.0.0:1", "ws:// is for this machine alone, and 0.0.0.0 is another one"),
        ("http://localhost:8080", "must be a WebSocket address such as ws://localhost:8080"),
        ("localhost:8080", "must be a WebSocket address such as ws://localhost:8080"),
        ("ws://", "must be a WebSocket address such as ws://localhost:8080"),
        ("ws://localhost:port", "must be a WebSocket address such as ws://localhost:8080"),
        ("ws://[::1", "must be a WebSocket address such as ws://localhost:8080"),
        ("", "must be a WebSocket address such as ws://localhost:8080"),
        ("wss://me:hunter2@claude.example.com", "must hold no user name or password"),
    ],
)
def test_another_address_is_refused_with_the_key_and_without_its_secrets(
    url: str, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        PLUGIN.build(RemoteConfig(websocket_url=url), PlainHost(tmp_path))
    assert str(caught.value) == f"claude_code.websocket_url: {problem}"
    assert "hunter2" not in f"{caught.value!r} {caught.value.remedy}"


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_time_out_that_is_none_is_refused(seconds: float, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"claude_code\.turn_timeout_seconds: must be above 0"):
        PLUGIN.build(RemoteConfig(turn_timeout_seconds=seconds), PlainHost(tmp_path))


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "smörgås"])
def test_a_token_that_cannot_be_a_header_is_refused_unseen(token: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        PLUGIN.build(RemoteConfig(), PlainHost(tmp_path, {"CLAUDE_CODE_AUTH_TOKEN": token}))
    assert str(caught.value) == "CLAUDE_CODE_AUTH_TOKEN: must be printable ASCII without blanks"
    assert token not in repr(caught.value)
