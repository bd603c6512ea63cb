"""`--demo`: a user, a scratch project, and stand-ins for Twilio and a mail server on loopback."""

from __future__ import annotations

import asyncio
import errno
import json
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from supervisor.config import Config, ProjectConfig
from supervisor.demo.mailbox import MailboxStandIn
from supervisor.demo.postbox import Postbox
from supervisor.demo.twilio import TwilioStandIn
from supervisor.protocol.errors import ConfigError
from supervisor.protocol.status import Permissions
from supervisor.runtime.peers.ports import is_in_use, remedy

USER = "demo"
"""The id of the user of the demo, who has `PHONE` and `MAILBOX`."""

PHONE = "+15551234567"
MAILBOX = "demo@example.test"
OURS = "xswarm@example.test"
"""The mail address of xswarm in the demo."""

AUTHSERV_ID = "mx.example.test"
PROJECT = "scratch"

SAY_BY_TEXT = "claude: create a file hello.txt containing hi"
SAY_BY_MAIL = "claude: create a file notes.txt containing hello"
SAY_IN_CHAT = "What can you do?"
"""What to write in the chat where no tool server has examples."""


class Demo:
    """The stand-ins of the demo and their configuration.

    Args:
        state_dir: the state directory of the demo.
    """

    def __init__(self, state_dir: Path) -> None:
        self._project = state_dir / "project"
        self._lmtp = state_dir / "lmtp.sock"
        self._twilio: TwilioStandIn | None = None
        self._postbox: Postbox | None = None
        self._http_url = ""
        self._questions: tuple[str, ...] = ()
        self._open = asyncio.Event()
        self._ended = False

    @asynccontextmanager
    async def around(self, config: Config, lend: Callable[[str, str], None]) -> AsyncIterator[Config]:
        """Run the stand-ins while the context is entered; yields the config with channels that use them.

        Args:
            lend: receives the name and value of each secret that is generated for this run.

        Raises:
            ConfigError: the ports of the stand-ins are taken.
        """
        self._project.mkdir(parents=True, exist_ok=True)
        self._questions = tuple(one for server in config.mcp.values() for one in server.examples)
        token = secrets.token_hex(16)
        lend("TWILIO_AUTH_TOKEN", token)
        account_sid = "AC" + secrets.token_hex(16)
        port = config.http.port
        try:
            async with (
                TwilioStandIn(account_sid, token, port=port and port + 1) as self._twilio,
                MailboxStandIn() as mailbox,
                Postbox(
                    mailbox,
                    person=MAILBOX,
                    ours=OURS,
                    authserv_id=AUTHSERV_ID,
                    lmtp=self._lmtp_when_open,
                    port=port and port + 2,
                ) as self._postbox,
            ):
                channels: dict[str, dict[str, Any]] = {
                    "sms": {
                        "account_sid": account_sid,
                        "from_number": self._twilio.number,
                        "api_url": self._twilio.url,
                    },
                    "mail": {
                        "address": OURS,
                        "trusted_authserv_id": AUTHSERV_ID,
                        "smtp": {"host": mailbox.host, "port": mailbox.port, "tls": "none"},
                        "lmtp": {"path": str(self._lmtp)},
                    },
                }
                scratch = ProjectConfig(path=str(self._project), users=(USER,), permissions=Permissions.EDIT)
                try:
                    yield replace(config, channels=channels, projects={**config.projects, PROJECT: scratch})
                finally:
                    self._ended = True
                    self._open.set()  # ends the wait of whoever writes
        except OSError as error:
            raise _cannot_listen(error, (port + 1, port + 2) if port else ()) from None

    def listen(self, http_url: str) -> None:
        """Tell the stand-ins that the daemon is ready. Messages that users send before this call wait for it.

        Args:
            http_url: the HTTP server of the daemon, which has the webhook.
        """
        self._open.set()
        self._http_url = http_url
        if self._twilio is not None:
            self._twilio.webhook_url = f"{http_url}/webhooks/twilio/sms"

    async def _lmtp_when_open(self) -> str:
        """Wait until the daemon receives mail, however long its start takes.

        Raises:
            ConnectionError: it ended before.
        """
        await self._open.wait()
        if self._ended:
            raise ConnectionError("it ended before it was ready")
        return str(self._lmtp)

    def what_to_try(self) -> str:
        """Return the text for the terminal: commands that a new user can try."""
        if self._twilio is None or self._postbox is None:
            raise AssertionError("the demo is entered before this call")
        text, mail = self._twilio.url, self._postbox.url
        return "\n".join(
            [
                "",
                f"This is the demo: user {USER!r}, project {PROJECT!r} in {self._project}.",
                "Try in another terminal:",
                "",
                f"  text it       curl -d From={PHONE} --data-urlencode Body='{SAY_BY_TEXT}' {text}/",
                f"  the answer    curl {text}/",
                f"  mail it       curl -d Subject=Notes --data-urlencode Body='{SAY_BY_MAIL}' {mail}/",
                f"  the answer    curl {mail}/",
                *self._about_chat(),
                "  sessions      .venv/bin/xswarm claude status",
                "  cost          .venv/bin/xswarm claude cost --by session",
                "",
                "Ctrl-C stops it.",
            ]
        )

    def _about_chat(self) -> list[str]:
        """Return the lines about the chat: its page, a client in the terminal, what to type there, more questions."""
        questions = self._questions or (SAY_IN_CHAT,)
        jwt = f".venv/bin/xswarm token jwt --user {USER}"
        url = f"{self._http_url.replace('http', 'ws', 1)}/api/claude-chat/ws?token=$({jwt})"
        typed = json.dumps({"type": "user_message", "content": questions[0]})
        return [
            f"  a token       {jwt}",
            f"  chat          {self._http_url}/ in a browser: sign in with the token",
            f'  or here       .venv/bin/python -m websockets "{url}"',
            f"  type there    {typed}",
            *(f"  ask           {question}" for question in questions[1:]),
        ]


def _cannot_listen(error: OSError, ports: Sequence[int]) -> ConfigError:
    """Return what keeps the stand-ins from their ports."""
    what = "the demo's stand-ins cannot listen beside it"
    taken = next((port for port in ports if is_in_use(port)), None) if error.errno == errno.EADDRINUSE else None
    if taken is None:
        return ConfigError("http.port", f"{what}: {error}")
    return ConfigError("http.port", f"{what}: port {taken} is in use", remedy(taken))
