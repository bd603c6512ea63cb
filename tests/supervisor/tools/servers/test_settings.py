"""A table of config.toml with its secrets filled in; nothing of it is shown by accident."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.config import McpConfig
from supervisor.protocol.errors import ConfigError
from supervisor.tools.servers.settings import Address, Program, is_there, resolve, secrets_of

SECRETS = {"TOKEN": "canary", "OTHER": "bird"}


def test_secrets_are_filled_into_headers() -> None:
    config = McpConfig(
        url="https://x.example/mcp", headers={"Authorization": "Bearer ${TOKEN}", "X": "${OTHER}${TOKEN}"}
    )
    made = resolve("x", config, SECRETS.get)
    assert isinstance(made.place, Address)
    assert made.place.headers == {"Authorization": "Bearer canary", "X": "birdcanary"}
    assert "canary" not in repr(made)
    assert secrets_of(config) == ["OTHER", "TOKEN"]


def test_the_environment_holds_only_what_is_named() -> None:
    ours = {"PATH": "/bin", "HOME": "/home/x", "TZ": "UTC", "ANTHROPIC_API_KEY": "key", "LANG": ""}
    config = McpConfig(command="server", args=("-v",), env={"A": "${TOKEN}", "PATH": "/opt"}, cwd="/srv")
    made = resolve("x", config, SECRETS.get, ours)
    assert isinstance(made.place, Program)
    assert made.place.argv == ("server", "-v")
    assert made.place.environment == {"PATH": "/opt", "HOME": "/home/x", "TZ": "UTC", "LANG": "C.UTF-8", "A": "canary"}
    assert "canary" not in repr(made)


def test_a_program_has_a_folder_of_its_own_for_its_data(tmp_path: Path) -> None:
    made = resolve("x", McpConfig(command="server"), SECRETS.get, {}, state=tmp_path)
    assert isinstance(made.place, Program)
    assert made.place.environment["STATE_DIRECTORY"] == str(tmp_path / "x")
    own = resolve("x", McpConfig(command="server", env={"STATE_DIRECTORY": "/own"}), SECRETS.get, {}, state=tmp_path)
    assert isinstance(own.place, Program)
    assert own.place.environment["STATE_DIRECTORY"] == "/own"


def test_a_secret_that_is_not_set_is_named_with_its_place() -> None:
    with pytest.raises(ConfigError, match=r"mcp\.x\.headers: NOTHING is not set") as caught:
        resolve("x", McpConfig(url="https://x.example", headers={"A": "${NOTHING}"}), SECRETS.get)
    assert "NOTHING_FILE" in caught.value.remedy


def test_a_program_is_looked_up_in_the_path() -> None:
    assert is_there(McpConfig(command="sh"))
    assert not is_there(McpConfig(command="sh"), {"PATH": "/nowhere"})
    assert not is_there(McpConfig(command="/no/such/program"))
    assert is_there(McpConfig(url="https://x.example"))
