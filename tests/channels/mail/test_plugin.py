"""How the mail channel is built."""

from __future__ import annotations

import pytest

from channels.mail.channel import MailChannel
from channels.mail.config import SmtpConfig
from channels.mail.plugin import PLUGIN
from supervisor.protocol.errors import ConfigError
from tests.channels.hosts import RecordingHost
from tests.channels.mail.fixtures import config

ID = "01890a5d-ac96-774b-bcce-b302099a8057"


def test_password_is_asked_for_only_with_a_user_name() -> None:
    assert isinstance(PLUGIN.build(config(), RecordingHost()), MailChannel)
    with_login = config(smtp=SmtpConfig(host="127.0.0.1", username="bot"))
    with pytest.raises(ConfigError, match="SMTP_PASSWORD"):
        PLUGIN.build(with_login, RecordingHost())
    host = RecordingHost()
    host.secrets["SMTP_PASSWORD"] = "hunter2"
    assert "hunter2" not in repr(vars(PLUGIN.build(with_login, host)))
