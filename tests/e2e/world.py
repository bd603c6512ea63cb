"""A daemon with the configuration of a real one; a test can make its Twilio, mail server and Claude Code fail."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import httpx
from websockets.asyncio.client import ClientConnection, connect

from connectors.claude_code.process import installation
from supervisor.demo.mailbox import MailboxStandIn, SentMail, deliver
from supervisor.demo.twilio import TwilioStandIn
from tests import proc
from tests.e2e.process import DaemonProcess
from tests.ports import free_port
from tests.slowness import scaled
from tests.waiting import until

ACCOUNT = "AC" + "0" * 32
ALICE, ALICE_MAIL = "+15550100", "alice@example.test"
OURS = "xswarm@example.test"
AUTHSERV_ID = "mx.example.test"

ANSWER_SECONDS = 60.0

CONFIG = """
[claude_code]
connector = "{connector}"
cli_path = "{cli}"
turn_timeout_seconds = {turn_timeout}
{claude_code}

[limits]
messages_per_minute = 1000
messages_per_hour = 1000

{projects}

[channels.sms]
account_sid = "{account}"
from_number = "{number}"
api_url = "{twilio}"

[channels.mail]
address = "{ours}"
trusted_authserv_id = "{authserv}"

[channels.mail.smtp]
host = "127.0.0.1"
port = {smtp_port}
tls = "none"

[channels.mail.lmtp]
path = "{lmtp}"
"""

PROJECT = """
[projects.{name}]
path = "{path}"
users = ["alice"]
permissions = "edit"
"""

CLI = """\
#!{python} -IS
import json, os, sys, time
if not os.path.exists("cli.py") or "--version" in sys.argv:
    os.execv({cli!r}, [{cli!r}, *sys.argv[1:]])
def say(**frame):
    print(json.dumps(frame), flush=True)
def ready():
    request = json.loads(sys.stdin.readline())
    answer = {{"hooks_applied": True, "hook_on_failure_supported": True}}
    say(type="control_response", response={{
        "subtype": "success", "request_id": request["request_id"], "response": answer}})
exec(open("cli.py").read())
"""
"""Runs the real Claude Code; in a project with a file cli.py it runs that file instead."""


class World:
    """`async with` starts the stand-ins; `start` the daemon.

    Args:
        folder: for everything.
        connector: the connector that answers instead of Claude Code.
        projects: their names; each is a folder of its own, where alice may edit.
        secrets: secrets in the daemon's environment; Twilio's token is random where it is not given.
        claude_code: more of the table [claude_code].
        tables: more of config.toml.
        supervisor: more of its table [supervisor].
        prefix: a command that runs the daemon, e.g. with mounts of its own.
        socket_port: of the supervisor socket; 0 = another one with each start.
    """

    def __init__(
        self,
        folder: Path,
        *,
        connector: str = "claude_code",
        projects: Sequence[str] = ("site",),
        turn_timeout: float = scaled(60.0),
        drain: float = scaled(2.0),
        secrets: Mapping[str, str] | None = None,
        claude_code: str = "",
        tables: str = "",
        supervisor: str = "",
        prefix: Sequence[str] = (),
        socket_port: int = 0,
    ) -> None:
        self.folder = folder
        self.twilio_token = (secrets or {}).get("TWILIO_AUTH_TOKEN", os.urandom(16).hex())
        self.twilio = self._twilio()
        self.mailbox = MailboxStandIn()
        self.cli = folder / "claude"
        self.lmtp = folder / "lmtp" / "lmtp.sock"
        self._connector = connector
        self._projects = projects
        self._turn_timeout = turn_timeout
        self._drain = drain
        self._secrets = secrets or {}
        self._claude_code = claude_code
        self._tables = tables
        self._supervisor = supervisor
        self._prefix = prefix
        self._socket_port = socket_port
        self._stack = AsyncExitStack()
        self._daemon: DaemonProcess | None = None

    @property
    def daemon(self) -> DaemonProcess:
        """The daemon, running or not."""
        assert self._daemon is not None
        return self._daemon

    @property
    def http(self) -> str:
        """The base URL of its HTTP server."""
        return str(self.daemon.addresses["http"])

    @property
    def webhook(self) -> str:
        """The URL of its webhook for texts."""
        return f"http://127.0.0.1:{self._port}/webhooks/twilio/sms"

    def project(self, name: str = "site") -> Path:
        """Return a project's folder."""
        return self.folder / "projects" / name

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self._twilio_stack = await stack.enter_async_context(AsyncExitStack())
            await self._twilio_stack.enter_async_context(self.twilio)
            await stack.enter_async_context(self.mailbox)
            self.client = await stack.enter_async_context(
                httpx.AsyncClient(trust_env=False, timeout=scaled(ANSWER_SECONDS))
            )
            for name in self._projects:
                self.project(name).mkdir(parents=True)
            self.lmtp.parent.mkdir()
            self.restore_cli()
            self._port = free_port()
            self._daemon = DaemonProcess(
                self.folder,
                supervisor=f"port = {self._socket_port}\ndrain_seconds = {self._drain}\n{self._supervisor}",
                http=f'port = {self._port}\npublic_url = "http://127.0.0.1:{self._port}"',
                config=self._config(),
                arguments=("--offline",),
                prefix=self._prefix,
                environment={"TWILIO_AUTH_TOKEN": self.twilio_token, **self._secrets},
            )
            stack.push_async_callback(self._end)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def start(self) -> None:
        """Start the daemon if it is not running; alice is one of its users."""
        if self.daemon.running:
            return
        await self.daemon.start()
        alice = {"name": "Alice", "role": "ADMIN", "phones": [ALICE], "emails": [ALICE_MAIL]}
        assert (await self.operator("PUT", "/api/admin/users/alice", alice)).status_code == 200

    async def operator(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Ask the HTTP server with the operator's token."""
        headers = {"Authorization": f"Bearer {self.daemon.token}"}
        return await self.client.request(method, self.http + path, headers=headers, json=body)

    async def service_token(self) -> str:
        """Return a new token of a service."""
        made = await self.operator("POST", "/api/admin/tokens", {"service": "e2e"})
        return str(made.json()["token"])

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[ClientConnection]:
        """Connect a service to the supervisor socket."""
        headers = {"Authorization": f"Bearer {await self.service_token()}"}
        address, patience = self.daemon.addresses["socket"], scaled(10.0)
        async with connect(address, additional_headers=headers, proxy=None, open_timeout=patience) as connection:
            yield connection

    async def text(self, body: str, sender: str = ALICE, *, media: int = 0) -> int:
        """Call the webhook as Twilio does; return the HTTP status. Works while the stand-in is stopped."""
        form = self.twilio.book.webhook_form(self.twilio.book.received(sender, body, media))
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "X-Twilio-Signature": self.twilio.sign(self.webhook, form),
        }
        return (await self.client.post(self.webhook, content=urlencode(form), headers=headers)).status_code

    async def mail(self, subject: str, body: str, headers: Mapping[str, str] | None = None) -> str:
        """Deliver a mail from alice by LMTP, as the mail server does; return the last response.

        Args:
            headers: more of them, such as In-Reply-To.
        """
        return await deliver(
            str(self.lmtp),
            from_=ALICE_MAIL,
            to=OURS,
            subject=subject,
            body=body,
            authserv_id=AUTHSERV_ID,
            headers=headers,
        )

    async def mail_unproven(self, sender: str, body: str) -> None:
        """Deliver a mail that no server has proven, so that it is dropped."""
        answer = await deliver(str(self.lmtp), from_=sender, to=OURS, subject="Login page", body=body, authserv_id=None)
        assert answer == "250 2.0.0 OK"

    async def mailed(self, part: str) -> SentMail:
        """Wait for a mail to alice that contains `part`, and return it."""

        def found() -> list[SentMail]:
            return [mail for mail in self.mailbox.messages if mail.envelope_to == (ALICE_MAIL,) and part in mail.text]

        await until(found, f"a mail with {part!r}", ANSWER_SECONDS)
        return found()[0]

    def answers(self) -> list[str]:
        """Return the texts to alice, oldest first."""
        return [message.body for message in self.twilio.messages if message.outgoing and message.to == ALICE]

    async def answer(self, part: str) -> str:
        """Wait for a text to alice that contains `part`, and return it."""
        await until(lambda: any(part in text for text in self.answers()), f"a text with {part!r}", ANSWER_SECONDS)
        return next(text for text in self.answers() if part in text)

    async def ask(self, body: str, *, media: int = 0) -> str:
        """Text the daemon and return the next text to alice; no other text may be pending."""
        known = len(self.answers())
        assert await self.text(body, media=media) == 200
        await until(lambda: len(self.answers()) > known, f"an answer to {body[:60]!r}", ANSWER_SECONDS)
        return self.answers()[known]

    async def ready(self) -> tuple[int, dict[str, str]]:
        """Return the HTTP status of /readyz and the state of each part."""
        response = await self.client.get(self.http + "/readyz")
        return response.status_code, response.json()["parts"]

    async def tools_work(self, name: str) -> None:
        """Wait until a tool server is connected."""

        async def works() -> bool:
            listed = (await self.operator("GET", "/api/admin/tools")).json()["servers"]
            return any(server["name"] == name and server["works"] for server in listed)

        await until(works, f"the tool server {name} works", 60.0, interval=0.05)

    async def twilio_goes_down(self) -> None:
        """Stop the stand-in for Twilio."""
        await self._twilio_stack.aclose()

    async def twilio_comes_back(self) -> None:
        """Start the stand-in for Twilio again, on the same port and with the same messages."""
        port, book = int(self.twilio.url.rpartition(":")[2]), self.twilio.book
        self.twilio = self._twilio(port)
        self.twilio.book = book
        await self._twilio_stack.enter_async_context(self.twilio)

    def restore_cli(self) -> None:
        """Install the wrapper of the real Claude Code at `cli_path`."""
        self.cli.write_text(CLI.format(python=sys.executable, cli=installation.find(None)), encoding="utf-8")
        self.cli.chmod(0o755)

    def turns(self, state: str) -> list[str]:
        """Return the prompts whose turns are in a state, as an outside tool reads them from the database."""
        sql = """
            SELECT coalesce(m.message, '') FROM turns AS t LEFT JOIN claude_code_messages AS m ON m.seq = 2 * t.id
            WHERE t.state = ? ORDER BY t.id
        """
        with closing(self.database()) as database:
            return [message for (message,) in database.execute(sql, (state,))]

    def tools_started(self) -> int:
        """Return the number of recorded tool calls."""
        with closing(self.database()) as database:
            return int(database.execute("SELECT count(*) FROM events WHERE kind = 'tool_started'").fetchone()[0])

    def database(self) -> sqlite3.Connection:
        """Return a read-only connection to the database."""
        return sqlite3.connect(f"file:{self.daemon.state / 'xswarm.db'}?mode=ro", uri=True)

    def kept(self) -> dict[Path, str]:
        """Return the text of each file of the state directory, without those that go away meanwhile."""
        texts = {}
        for folder, _, names in os.walk(self.daemon.state):
            for path in (Path(folder, name) for name in names):
                with suppress(OSError):  # gone, or a socket
                    texts[path] = path.read_bytes().decode(errors="replace")
        return texts

    def agents(self) -> list[int]:
        """Return the process ids of this daemon's sessions, found by the mark in their environment."""
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            environ = proc.read(int(path.parent.name), "environ")
            if b"\0XSWARM_STATE=" in environ and os.fsencode(self.daemon.state) in environ:
                found.append(int(path.parent.name))
        return found

    def _config(self) -> str:
        projects = "".join(PROJECT.format(name=name, path=self.project(name)) for name in self._projects)
        return self._tables + CONFIG.format(
            connector=self._connector,
            cli=self.cli,
            turn_timeout=self._turn_timeout,
            claude_code=self._claude_code,
            projects=projects,
            account=ACCOUNT,
            number=self.twilio.number,
            twilio=self.twilio.url,
            ours=OURS,
            authserv=AUTHSERV_ID,
            smtp_port=self.mailbox.port,
            lmtp=self.lmtp,
        )

    def _twilio(self, port: int | None = None) -> TwilioStandIn:
        port = port or free_port()  # where it may come back
        return TwilioStandIn(ACCOUNT, self.twilio_token, port=port, progress_seconds=0.01, price_seconds=0.05)

    async def _end(self) -> None:
        if self._daemon is not None and self._daemon.running:
            await self._daemon.stop()


def script(*steps: Mapping[str, Any]) -> str:
    """Return a prompt that contains the steps of the offline model's answer."""
    return f"@@{json.dumps({'steps': steps})}"


HANG = {"hang": True}


def slow_answer(words: int, seconds: float) -> dict[str, Any]:
    """Return a step that takes about `seconds`, on a machine of reference, to say `words` words."""
    return {"text": " ".join(f"w{number}" for number in range(words)), "token_delay": scaled(seconds) / words}


def write_file(path: Path, content: str) -> dict[str, Any]:
    """Return a step in which Claude Code writes a file."""
    return {"tools": [{"name": "Write", "input": {"file_path": str(path), "content": content}}]}
