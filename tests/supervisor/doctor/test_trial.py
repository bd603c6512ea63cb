"""The trial of all channels of a config.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.demo.mailbox import MailboxStandIn
from supervisor.doctor.trial import try_out
from supervisor.protocol.errors import ConfigError
from supervisor.protocol.ports.checks import Check

MAIL = """
[channels.mail]
address = "xswarm@example.org"
trusted_authserv_id = "mx.example.org"
[channels.mail.smtp]
host = "127.0.0.1"
port = {port}
tls = "none"
username = "{user}"
"""


async def test_each_step_is_told_and_a_wrong_code_fails(tmp_path: Path) -> None:
    async with MailboxStandIn() as mailbox:
        path = tmp_path / "config.toml"
        path.write_text(MAIL.format(port=mailbox.port, user=""), encoding="utf-8")
        told: list[Check] = []
        asked: list[str] = []

        def ask(question: str) -> str:
            asked.append(question)
            return "no"

        assert not await try_out(path, {"mail": "alice@example.org"}, tell=told.append, ask=ask)
        assert [check.name for check in told] == ["test mail", "arrival of the test mail"]
        assert asked == ["The code in the message to alice@example.org"]


async def test_a_secret_that_is_not_set_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SMTP_PASSWORD", raising=False)
    path = tmp_path / "config.toml"
    path.write_text(MAIL.format(port=1, user="xswarm"), encoding="utf-8")
    with pytest.raises(ConfigError, match="SMTP_PASSWORD"):
        await try_out(path, {"mail": "alice@example.org"}, tell=print, ask=lambda question: "")
