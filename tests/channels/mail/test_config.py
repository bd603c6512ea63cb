"""The `[channels.mail]` table."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from channels.mail.config import MailConfig, is_loopback
from supervisor.protocol.errors import ConfigError

BASE: dict[str, Any] = {
    "address": "bot@example.org",
    "trusted_authserv_id": "mx.example.org",
    "smtp": {"host": "smtp.example.org"},
}


def load(**changes: Any) -> MailConfig:
    return TypeAdapter(MailConfig).validate_python(BASE | changes, extra="forbid")


def test_smallest_table_listens_on_loopback_and_requires_tls() -> None:
    config = load()
    assert (config.lmtp.listen_host, config.lmtp.listen_port, config.lmtp.path) == ("127.0.0.1", 8024, None)
    assert (config.smtp.port, config.smtp.tls) == (587, "starttls")
    assert config.max_message_bytes == 25 * 1024 * 1024


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"smtp": {"host": "smtp.example.org", "tls": "none"}}, "channels.mail.smtp.tls"),
        ({"smtp": {"host": ""}}, "channels.mail.smtp.host"),
        ({"smtp": {"host": "smtp.example.org", "port": 0}}, "channels.mail.smtp.port"),
        ({"lmtp": {"host": "0.0.0.0"}}, "channels.mail.lmtp.host"),
        ({"lmtp": {"host": "mail.example.org"}}, "channels.mail.lmtp.host"),
        ({"lmtp": {"port": 70000}}, "channels.mail.lmtp.port"),
        ({"lmtp": {"path": "/run/x.sock", "port": 24}}, "channels.mail.lmtp"),
        ({"lmtp": {"path": "x.sock"}}, "channels.mail.lmtp.path"),
        ({"address": "Bot <bot@example.org>"}, "channels.mail.address"),
        ({"address": "bot+x@example.org"}, "channels.mail.address"),
        ({"trusted_authserv_id": ""}, "channels.mail.trusted_authserv_id"),
        ({"trusted_authserv_id": "mx; dmarc=pass"}, "channels.mail.trusted_authserv_id"),
        ({"max_message_bytes": 0}, "channels.mail.max_message_bytes"),
        ({"name": "a\r\nBcc: x@example.com"}, "channels.mail.name"),
    ],
)
def test_table_that_cannot_work_is_refused_with_its_key(changes: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(**changes)
    assert caught.value.key == key


def test_plus_addresses_and_other_case_are_ours() -> None:
    config = load(address="Bot@Example.org")
    assert all(config.is_ours(address) for address in ("bot@example.org", "BOT+x+y@example.ORG"))
    assert not any(config.is_ours(address) for address in ("bot@example.org.evil.com", "abot@example.org", "bot", ""))


def test_only_addresses_of_this_machine_are_loopback() -> None:
    assert all(is_loopback(host) for host in ("localhost", "127.0.0.2", "::1"))
    assert not any(is_loopback(host) for host in ("localhost.example.org", "10.0.0.1", "0.0.0.0", ""))
