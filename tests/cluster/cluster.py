"""Daemons on one PostgreSQL database, with one stand-in for Twilio; a test kills, pauses and cuts off any of them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import httpx
import psycopg
from websockets.asyncio.client import ClientConnection, connect

from supervisor.config.cluster import LEASE_SECONDS
from supervisor.demo.twilio import TwilioStandIn
from tests.cluster.wire import Wire
from tests.e2e.process import DaemonProcess, Ended
from tests.ports import free_port
from tests.postgres_server import PostgresServer
from tests.slowness import scaled
from tests.waiting import until

ACCOUNT = "AC" + "0" * 32
PHONES = {"alice": "+15550100", "ben": "+15550101", "cara": "+15550102"}
"""The people of the tests. Each may use each project."""
CLUSTER_SECRET = "canary-of-the-cluster-secret-of-the-tests"
ANSWER_SECONDS = 60.0

TABLES = """
[store]
url = "{store}"

[node]
name = "{name}"
lease_seconds = {lease}
standby = {standby}
url = "ws://127.0.0.1:{outer}"

[node.link]
host = "127.0.0.1"
port = {inner}

[claude_code]
connector = "{connector}"
max_sessions = 100
{claude_code}

[limits]
messages_per_minute = 100000
messages_per_hour = {per_hour}

[channels.sms]
account_sid = "{account}"
from_number = "{number}"
api_url = "{twilio}"
reconcile_after_seconds = 1
catch_up_seconds = 2
"""

PROJECT = """
[projects.{name}]
path = "{path}"
users = {users}
permissions = "{permissions}"
{where}
"""


class ClusterNode:
    """One daemon with a state folder of its own; made by `Cluster`.

    Attributes:
        store: the wire between it and PostgreSQL.
        link: the wire by which the other nodes reach its link.
        provider: the wire between it and Twilio.
        http: the URL of its HTTP server; its port stays the same over restarts.
    """

    def __init__(self, name: str, daemon: DaemonProcess, http: str, *, store: Wire, link: Wire, provider: Wire) -> None:
        self.name = name
        self.daemon = daemon
        self.http = http
        self.store = store
        self.link = link
        self.provider = provider
        self._starting: asyncio.Task[None] | None = None

    @property
    def webhook(self) -> str:
        """The URL of its webhook for texts."""
        return f"{self.http}/webhooks/twilio/sms"

    @property
    def log(self) -> str:
        """What it has logged."""
        return "".join(self.daemon.log)

    @property
    def is_ready(self) -> bool:
        """Whether it has said that it is ready since its last start."""
        return self.daemon.running and "is ready" in self.daemon.said

    @property
    def state(self) -> str:
        """What it does, in words for a person."""
        if self.daemon.code is not None:
            return f"has ended with exit code {self.daemon.code}"
        return "is ready" if self.is_ready else "is not ready yet"

    @property
    def pid(self) -> int:
        """The process id of the daemon; its watchdog is a child of it."""
        return self.daemon.pid

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        await self.daemon.start()

    def begin(self) -> None:
        """Start it and do not wait: a standby is ready only when it takes over."""
        self._starting = asyncio.create_task(self._start_quietly(), name=f"start of {self.name}")

    async def kill(self) -> None:
        """Pull its plug: nothing of it has a chance to clean up."""
        await self._stop_starting()
        if self.daemon.running:
            self.daemon.send_signal(signal.SIGKILL)
            await self.daemon.ended()

    def pause(self) -> None:
        """Stop the daemon in the middle of whatever it does; its watchdog goes on."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let a paused daemon go on, as far as it is still there."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGCONT)

    async def stop(self) -> None:
        """Stop it as a service manager does."""
        await self._stop_starting()
        if self.daemon.running:
            await self.daemon.stop()

    async def xswarm(self, *arguments: str) -> Ended:
        """Run the command line beside it."""
        return await self.daemon.xswarm(*arguments)

    async def _start_quietly(self) -> None:
        with suppress(AssertionError):  # it was ended before it was ready
            await self.daemon.start(within=None)

    async def _stop_starting(self) -> None:
        if self._starting is not None and not self._starting.done():
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)


class Cluster:
    """`async with` prepares the database, the stand-in and the nodes; a test starts them.

    Args:
        folder: for everything. Projects are at the same path for all nodes.
        names: of the nodes; `a`, `b`, ... in the tests.
        connector: what answers instead of Claude Code. For turns that last, ask the assistant with a script.
        lease: in seconds, on the machine that the tests are written on; shorter where another node is to take over.
        drain: how long the turns of a node that stops get, in seconds.
        standby: each node serves only while none lives that joined earlier.
        claude_code: more of its table [claude_code].
        permissions: of the people in each project.
        environments: more of the environment of some nodes.
        projects: by name, the lines of config.toml that say where each is, such as `everywhere = true`.
        direct: nodes reach PostgreSQL, Twilio and one another past the wires, which cost time and then cut nothing.
        per_hour: how many messages each person may send in an hour.
        hosts: by node, the address of the server, where there is to be no wire between them.
        spare: a standby of the server. The nodes know both, and there is no wire between them and PostgreSQL.
    """

    def __init__(
        self,
        folder: Path,
        server: PostgresServer,
        names: Sequence[str] = ("a", "b"),
        *,
        connector: str = "echo",
        lease: float = 15.0,
        drain: float = 2.0,
        standby: bool = False,
        projects: dict[str, str] | None = None,
        tables: str = "",
        claude_code: str = "",
        permissions: str = "edit",
        environments: Mapping[str, Mapping[str, str]] | None = None,
        direct: bool = False,
        per_hour: int = 100_000,
        hosts: Mapping[str, str] | None = None,
        spare: PostgresServer | None = None,
    ) -> None:
        self.folder = folder
        self.nodes: dict[str, ClusterNode] = {}
        self.database = f"cluster_{os.urandom(4).hex()}"
        self.lease = min(scaled(lease), LEASE_SECONDS[1])
        self._drain = drain
        self._standby = standby
        self._server = server
        self._hosts = hosts or {}
        self._spare = spare
        self._per_hour = per_hour
        self._names = names
        self._connector = connector
        self._projects = projects if projects is not None else {"site": "everywhere = true"}
        self._tables = tables
        self._claude_code = claude_code
        self._permissions = permissions
        self._environments = environments or {}
        self._direct = direct
        self._token = os.urandom(16).hex()
        self.twilio = TwilioStandIn(ACCOUNT, self._token, progress_seconds=0.01, price_seconds=0.05)
        self._stack = AsyncExitStack()

    @property
    def url(self) -> str:
        """The URL of the database, past every wire."""
        if self._spare is None:
            return self._server.url(self.database)
        hosts = f"127.0.0.1:{self._server.port},127.0.0.1:{self._spare.port}"
        return f"postgresql://xswarm@{hosts}/{self.database}?target_session_attrs=read-write"

    def project(self, name: str = "site") -> Path:
        """Return a project's folder."""
        return self.folder / "projects" / name

    def __getitem__(self, name: str) -> ClusterNode:
        return self.nodes[name]

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self._server.create(self.database)
            await stack.enter_async_context(self.twilio)
            self.client = await stack.enter_async_context(
                httpx.AsyncClient(trust_env=False, timeout=scaled(ANSWER_SECONDS))
            )
            for name in self._projects:
                self.project(name).mkdir(parents=True)
            for name in self._names:
                await self._add(name, stack)
            stack.push_async_callback(self._end)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def add_people(self, at: str) -> None:
        """Add the people of the tests, by one node."""
        for name, phone in PHONES.items():
            person = {"name": name.title(), "role": "ADMIN", "phones": [phone]}
            assert (await self.operator(at, "PUT", f"/api/admin/users/{name}", person)).status_code == 200

    async def operator(self, at: str, method: str, path: str, body: Any = None) -> httpx.Response:
        """Ask the HTTP server of a node with its operator's token."""
        node = self.nodes[at]
        headers = {"Authorization": f"Bearer {node.daemon.token}"}
        return await self.client.request(method, node.http + path, headers=headers, json=body)

    @asynccontextmanager
    async def socket(self, at: str) -> AsyncIterator[ClientConnection]:
        """Connect the operator to the supervisor socket of a node."""
        node = self.nodes[at]
        headers = {"Authorization": f"Bearer {node.daemon.token}"}
        address, patience = node.daemon.addresses["socket"], scaled(10.0)
        async with connect(address, additional_headers=headers, proxy=None, open_timeout=patience) as connection:
            yield connection

    async def text(self, at: str, body: str, sender: str = PHONES["alice"], *, sid: str = "") -> tuple[int, str]:
        """Call the webhook of a node as Twilio does.

        Args:
            sid: of a message that was sent before: Twilio calls the same webhook again.

        Returns:
            the HTTP status, 0 = the node did not answer; and the sid of the message.
        """
        book = self.twilio.book
        message = book.find(sid) if sid else None
        message = message or book.received(sender, body, 0)
        form = book.webhook_form(message)
        webhook = self.nodes[at].webhook
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "X-Twilio-Signature": self.twilio.sign(webhook, form),
        }
        try:
            response = await self.client.post(webhook, content=urlencode(form), headers=headers)
        except httpx.HTTPError:
            return 0, message.sid
        return response.status_code, message.sid

    def answers(self, part: str, to: str = PHONES["alice"]) -> list[str]:
        """Return the texts to a person that contain `part`, oldest first."""
        return [each.body for each in self.twilio.messages if each.outgoing and each.to == to and part in each.body]

    async def answer(self, part: str, to: str = PHONES["alice"], seconds: float = ANSWER_SECONDS) -> str:
        """Wait for a text to a person that contains `part`, and return it."""
        await until(lambda: self.answers(part, to), f"a text with {part!r}", seconds)
        return self.answers(part, to)[0]

    async def ask(self, at: str, body: str, part: str, sender: str = PHONES["alice"]) -> str:
        """Text a node and return the answer, which contains `part`."""
        status, _ = await self.text(at, body, sender)
        assert status == 200, status
        return await self.answer(part, sender)

    async def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Read the database as an outside tool does."""
        async with await psycopg.AsyncConnection.connect(self.url, autocommit=True) as connection:
            return await (await connection.execute(sql.encode(), values)).fetchall()

    async def _add(self, name: str, stack: AsyncExitStack) -> None:
        store = await stack.enter_async_context(Wire(self._server.port))
        inner, http = free_port(), free_port()
        link = await stack.enter_async_context(Wire(inner))
        provider = await stack.enter_async_context(Wire(urlsplit(self.twilio.url).port or 0))
        self.twilio.relays.add(provider.port)
        url = f"http://127.0.0.1:{http}"
        tables = TABLES.format(
            store=self._store_of(name, store),
            per_hour=self._per_hour,
            name=name,
            lease=self.lease,
            standby=str(self._standby).lower(),
            outer=inner if self._direct else link.port,
            inner=inner,
            connector=self._connector,
            claude_code=self._claude_code,
            account=ACCOUNT,
            number=self.twilio.number,
            twilio=self.twilio.url if self._direct else f"http://127.0.0.1:{provider.port}",
        )
        for project, where in self._projects.items():
            tables += PROJECT.format(
                name=project,
                path=self.project(project),
                users=json.dumps(list(PHONES)),
                permissions=self._permissions,
                where=where,
            )
        daemon = DaemonProcess(
            self.folder / name,
            supervisor=f"port = 0\ndrain_seconds = {scaled(self._drain)}",
            http=f'port = {http}\npublic_url = "{url}"',
            config=tables + self._tables,
            arguments=("--offline",),
            environment={
                "TWILIO_AUTH_TOKEN": self._token,
                "XSWARM_CLUSTER_SECRET": CLUSTER_SECRET,
                **self._environments.get(name, {}),
            },
        )
        self.nodes[name] = ClusterNode(name, daemon, url, store=store, link=link, provider=provider)

    def _store_of(self, name: str, wire: Wire) -> str:
        if self._direct or self._spare is not None:
            return self.url
        address = f"{self._hosts[name]}:{self._server.port}" if name in self._hosts else f"127.0.0.1:{wire.port}"
        return f"postgresql://xswarm@{address}/{self.database}"

    async def _end(self) -> None:
        for node in self.nodes.values():
            await node.kill()
            if "PYTEST_CURRENT_TEST" in os.environ:  # pytest shows it where a test failed
                sys.stderr.write(f"node {node.name} {node.state}\n{node.log}\n")


def slow(say: str, seconds: float) -> str:
    """Return a text to the assistant whose turn lasts some seconds and then says `say`."""
    return "assistant: @@" + json.dumps({"steps": [{"text": say, "delay": seconds}]})
