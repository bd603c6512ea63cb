"""The demo: its channels, its project, and the commands that it prints."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from channels.mail.config import MailConfig
from channels.sms.config import SmsConfig
from supervisor.config import Config, Http, McpConfig, ProjectConfig, parse
from supervisor.demo.demo import PHONE, PROJECT, SAY_IN_CHAT, USER, Demo
from supervisor.protocol.errors import ConfigError
from supervisor.protocol.status import Permissions


async def test_its_channels_are_as_config_toml_would_have_them(tmp_path: Path) -> None:
    lent: dict[str, str] = {}
    async with Demo(tmp_path).around(Config(http=Http(port=0)), lent.__setitem__) as config:
        sms = parse(SmsConfig, config.channels["sms"], "channels.sms")
        mail = parse(MailConfig, config.channels["mail"], "channels.mail")
    assert sms.api_url.startswith("http://127.0.0.1:")
    assert mail.smtp.host == "127.0.0.1"
    assert list(lent) == ["TWILIO_AUTH_TOKEN"]


async def test_its_project_is_a_folder_beside_those_of_the_configuration(tmp_path: Path) -> None:
    mine = ProjectConfig(path="/srv/mine")
    async with Demo(tmp_path).around(Config(http=Http(port=0), projects={"mine": mine}), _forget) as config:
        scratch = config.projects[PROJECT]
    assert config.projects["mine"] is mine
    assert (Path(scratch.path), scratch.users, scratch.permissions) == (tmp_path / "project", (USER,), Permissions.EDIT)
    assert Path(scratch.path).is_dir()


async def test_the_secret_of_its_twilio_is_new_each_time(tmp_path: Path) -> None:
    tokens: list[str] = []
    for _ in range(2):
        async with Demo(tmp_path).around(Config(http=Http(port=0)), lambda _, value: tokens.append(value)):
            pass
    assert len(set(tokens)) == 2


async def test_the_commands_to_try_have_the_addresses_in_use(tmp_path: Path) -> None:
    demo = Demo(tmp_path)
    async with demo.around(Config(http=Http(port=0)), _forget) as config:
        demo.listen("http://127.0.0.1:8787")
        said = demo.what_to_try()
    assert f"curl -d From={PHONE} --data-urlencode Body='claude: create a file hello.txt" in said
    assert f"{config.channels['sms']['api_url']}/" in said
    assert str(tmp_path / "project") in said


async def test_the_chat_is_among_what_to_try_with_the_questions_of_the_tool_servers(tmp_path: Path) -> None:
    servers = {"rota": McpConfig(command="x", examples=("Are there any conflicts?", "Summarize the status"))}
    for mcp, question in ((servers, "Are there any conflicts?"), ({}, SAY_IN_CHAT)):
        demo = Demo(tmp_path)
        async with demo.around(Config(http=Http(port=0), mcp=mcp), _forget):
            demo.listen("http://127.0.0.1:8787")
            said = demo.what_to_try()
        assert "http://127.0.0.1:8787/ in a browser" in said
        assert 'websockets "ws://127.0.0.1:8787/api/claude-chat/ws?token=$(.venv/bin/xswarm token jwt' in said
        assert f'{{"type": "user_message", "content": "{question}"}}' in said
        assert ("Summarize the status" in said) is bool(mcp)


async def test_a_port_in_use_beside_that_of_http_names_the_key(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = Config(http=Http(port=taken.getsockname()[1] - 1))
        with pytest.raises(ConfigError, match=r"^http\.port: the demo's stand-ins cannot listen beside it: "):
            async with Demo(tmp_path).around(config, _forget):
                raise AssertionError("it cannot listen")


def test_a_demo_that_is_not_entered_has_nothing_to_try(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="the demo is entered"):
        Demo(tmp_path).what_to_try()


def _forget(name: str, value: str) -> None:
    """Take a secret that nobody asks for."""
