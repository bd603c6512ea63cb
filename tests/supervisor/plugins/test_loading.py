"""From a name in config.toml to a channel or connector."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from supervisor import config
from supervisor.plugins import loading as plugins
from supervisor.protocol.errors import ConfigError
from supervisor.protocol.ports.connector import ConnectorHost
from tests.channels.hosts import RecordingHost


def channel_host() -> RecordingHost:
    return RecordingHost(public_url="https://xswarm.example.org", secrets={"TWILIO_AUTH_TOKEN": "t" * 32})


class PlainConnectorHost(ConnectorHost):
    """A host without secrets."""

    def secret(self, name: str) -> str | None:
        return None

    @property
    def state_dir(self) -> str:
        return "/nowhere"

    @property
    def own_folders(self) -> Sequence[str]:
        return [self.state_dir]


MAIL = {"address": "bot@example.org", "trusted_authserv_id": "mx", "smtp": {"host": "localhost"}}
SMS = {"account_sid": "AC" + "0" * 32, "from_number": "+15005550006"}


@pytest.mark.parametrize(("name", "table"), [("sms", SMS), ("mail", MAIL)])
def test_a_channel_is_built_from_its_table(name: str, table: dict[str, object]) -> None:
    assert plugins.build_channel(name, table, channel_host()).name == name


def test_a_channels_table_is_as_strict_as_the_rest() -> None:
    with pytest.raises(ConfigError, match=r"^channels\.sms\.segments: unknown key; known here: .*max_segments"):
        plugins.build_channel("sms", SMS | {"segments": 1}, channel_host())
    with pytest.raises(ConfigError, match=r"^channels\.mail\.smtp\.port: .*integer"):
        plugins.build_channel("mail", MAIL | {"smtp": {"host": "localhost", "port": "25"}}, channel_host())
    with pytest.raises(ConfigError, match=r"^channels\.mail\.smtp\.hots: unknown key; known here: host"):
        plugins.build_channel("mail", MAIL | {"smtp": {"hots": "localhost"}}, channel_host())


@pytest.mark.parametrize(
    "name", ["smss", "", "..", "sms.plugin", "__init__", "__pycache__", "class", "../connectors/echo"]
)
def test_a_channel_that_does_not_exist_is_named_beside_those_that_do(name: str) -> None:
    with pytest.raises(ConfigError, match="there is no channel") as caught:
        plugins.build_channel(name, {}, channel_host())
    assert caught.value.key == f"channels.{name}"
    assert "mail, sms" in caught.value.remedy


@pytest.mark.parametrize("name", ["claude_code", "echo", "remote"])
def test_a_connector_takes_what_it_knows_from_its_section(name: str) -> None:
    settings = config.ClaudeCode(model="opus", turn_timeout_seconds=60.0)
    assert plugins.build_connector(name, "claude_code", settings, PlainConnectorHost()).name == name


def test_the_assistant_is_built_from_its_own_section() -> None:
    assistant = plugins.build_connector(
        "assistant", "assistant", config.Assistant(history_tokens=0), PlainConnectorHost()
    )
    assert assistant.name == "assistant"


@pytest.mark.parametrize("name", ["claude", "", "echo.plugin", "__pycache__"])
def test_a_connector_that_does_not_exist_names_the_key(name: str) -> None:
    with pytest.raises(ConfigError, match="there is no connector") as caught:
        plugins.build_connector(name, "claude_code", config.ClaudeCode(), PlainConnectorHost())
    assert caught.value.key == "claude_code.connector"
    assert "claude_code, echo, remote" in caught.value.remedy


def test_what_a_connector_refuses_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match=r"^claude_code\.websocket_url"):
        plugins.build_connector(
            "remote", "claude_code", config.ClaudeCode(websocket_url="ws://far.example"), PlainConnectorHost()
        )


def test_what_only_plugins_know_is_checked_without_building_anything() -> None:
    plugins.check_plugins(config.Config(channels={"mail": MAIL, "sms": SMS}))
    wrong = {
        "channels.pigeon": config.Config(channels={"pigeon": {}}),
        "channels.sms.acount_sid": config.Config(channels={"mail": MAIL, "sms": {"acount_sid": "AC"}}),
        "claude_code.connector": config.Config(claude_code=config.ClaudeCode(connector="codex")),
    }
    for key, settings in wrong.items():
        with pytest.raises(ConfigError) as caught:
            plugins.check_plugins(settings)
        assert caught.value.key == key
