"""The HTTP server over a real core, on a real port, and clients of it."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx

from supervisor import config
from supervisor.protocol.ports.channel import Channel
from supervisor.protocol.ports.connector import Connector
from supervisor.wires.http_server import HttpServer
from supervisor.wires.metrics.counts import Counts
from supervisor.wires.rest.admin.meter import Meter
from supervisor.wires.rest.health import Parts
from tests.slowness import scaled
from tests.supervisor.harness import OPERATOR, SERVICE, Core

SESSIONS = "/api/claude-code/sessions"
ROUTE = "/api/claude-code/route-conversation"


class Served:
    """`async with` starts core and server, and ends both.

    Attributes:
        service: a client with a token that may act for everybody.
        operator: a client with the operator's token.
    """

    def __init__(
        self,
        folder: Path,
        *,
        http: config.Http | None = None,
        connector: Connector | None = None,
        claude_code: config.ClaudeCode | None = None,
        channels: Sequence[Channel] = (),
        parts: Parts = dict,
        meter: Meter | None = None,
        allowed_origins: Sequence[str] = (),
        crash: Callable[[str], None] | None = None,
        budgets: config.BudgetConfig | None = None,
        limits: config.Limits | None = None,
        projects: Mapping[str, config.ProjectConfig] | None = None,
        grace_seconds: int = 1,
    ) -> None:
        self.core = Core(
            folder,
            connector=connector,
            claude_code=claude_code,
            crash=crash,
            budgets=budgets,
            limits=limits,
            projects=projects,
        )
        self._http = http or config.Http(port=0)
        self._channels = channels
        self._parts = parts
        self._meter = meter
        self._allowed_origins = allowed_origins
        self._grace_seconds = grace_seconds
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Served:
        async with AsyncExitStack() as stack:
            core = await stack.enter_async_context(self.core)
            counts = Counts(core.outbox.channels)
            core.store.watch(counts.committed)
            self.server = HttpServer(
                self._http,
                core.api,
                parts=self._parts,
                meter=self._meter,
                counts=counts,
                allowed_origins=self._allowed_origins,
                grace_seconds=self._grace_seconds,
            )
            for channel in self._channels:
                self.server.add_channel(channel)
            stack.push_async_callback(self.server.aclose)
            await self.server.start()
            self._stack = stack.pop_all()
        self.service = await self.client(SERVICE)
        self.operator = await self.client(OPERATOR)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()

    async def client(self, token: str | None) -> httpx.AsyncClient:
        """Return a client that is closed with the server; None = it has no token."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        # No environment: a proxy has no business between the tests and loopback. No certificates: they take 50 ms.
        plain = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client = httpx.AsyncClient(
            base_url=self.server.url, headers=headers, timeout=scaled(30.0), trust_env=False, verify=plain
        )
        return await self._stack.enter_async_context(client)

    async def client_of(self, user_id: str) -> httpx.AsyncClient:
        """Return a client with a token of one user."""
        return await self.client(await self.core.token(user_id))

    async def session(self, user_id: str = "alice", client: httpx.AsyncClient | None = None) -> str:
        """Create a session and return its id."""
        body = {"user_id": user_id, "project_path": str(self.core.site)}
        response = await (client or self.service).post(SESSIONS, json=body)
        assert response.status_code == 201, response.text
        return str(response.json()["session_id"])

    async def prompt(self, session_id: str, text: str, **more: Any) -> httpx.Response:
        """Send a prompt to a session and wait for the answer."""
        return await self.service.post(f"{SESSIONS}/{session_id}/messages", json={"message": text}, **more)


def refusal(response: httpx.Response) -> tuple[int, str, str]:
    """Return status, code and text of an answer that is a no."""
    body = response.json()
    return response.status_code, body["code"], body["error"]
