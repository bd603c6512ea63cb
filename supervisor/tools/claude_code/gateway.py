"""The gateway of tools: Claude Code reaches tool servers through it, with a token for each process."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Callable

from aiohttp import hdrs, web

from supervisor.models.connections import read_body
from supervisor.models.loopback_server import LoopbackServer
from supervisor.protocol.conversation import ToolEndpoint
from supervisor.protocol.messages import SessionId, UserId
from supervisor.protocol.tools import ToolOutput
from supervisor.tools.claude_code import messages
from supervisor.tools.claude_code.messages import Malformed, Message
from supervisor.tools.claude_code.session_tools import SessionTools
from supervisor.tools.servers.servers import ToolServers
from supervisor.tools.turn_tools import Toolbox

logger = logging.getLogger(__name__)

LARGEST_BODY = 16 * 1024 * 1024
"""The largest request body, in bytes."""


class ToolGateway:
    """Speaks the Model Context Protocol (streamable HTTP, without sessions and streams) to Claude Code on loopback.

    Each request is checked anew: the token of the process, the role of the turn's user, and that the policy has allowed
    this call. Then it goes to the daemon's one connection to the server.

    Args:
        toolbox: gives each turn its tools.
        port: 0 = take a free port.

    Raises:
        OSError: on entering: the port is taken.
    """

    def __init__(self, toolbox: Toolbox, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.toolbox = toolbox
        self._server = LoopbackServer(host=host, port=port)
        self._sessions: dict[bytes, SessionTools] = {}
        self._calls: dict[tuple[bytes, messages.RequestId], asyncio.Task[ToolOutput]] = {}

    @property
    def servers(self) -> ToolServers:
        """All tool servers."""
        return self.toolbox.servers

    @property
    def url(self) -> str:
        """The base URL, without a trailing slash. It is valid after entering."""
        return self._server.url

    async def __aenter__(self) -> ToolGateway:
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_post("/mcp/{server}", self._post)
        await self._server.serve(app)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._server.stop()

    async def issue(
        self, session_id: SessionId, owner: UserId, user: Callable[[], UserId | None]
    ) -> SessionTools | None:
        """Return the tools of a process that is about to start, with a new token; None = its owner may use no server.

        Args:
            user: returns the user of the running turn; None = no turn runs.
        """
        names = self.toolbox.names_for(owner)
        if not names:
            return None
        await self.toolbox.servers.settled()
        token = secrets.token_urlsafe(32)
        endpoint = ToolEndpoint(
            urls={name: f"{self.url}/mcp/{name}" for name in names},
            token=token,
            timeout=max(server.config.timeout_seconds for server in self.toolbox.servers),
        )
        tools = SessionTools(self.toolbox, session_id=session_id, user=user, endpoint=endpoint)
        self._sessions[_digest(token)] = tools
        return tools

    def revoke(self, tools: SessionTools) -> None:
        """Refuse the token of a process. It may run twice."""
        self._sessions.pop(_digest(tools.endpoint.token), None)

    async def _post(self, request: web.Request) -> web.Response:
        scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        key = _digest(token.strip())
        tools = self._sessions.get(key) if scheme.lower() == "bearer" else None
        if tools is None or hdrs.ORIGIN in request.headers:  # no browser has a token
            return web.json_response({"error": "this token is not known; it ends with its process"}, status=403)
        try:
            message = messages.read(await read_body(request))
        except Malformed as malformed:
            return web.json_response(messages.error(None, malformed.code, str(malformed)), status=400)
        server = request.match_info["server"]
        if message.id is None:
            self._note(key, message)
            return web.Response(status=202)
        if not tools.offers(server) and message.method != "tools/call":
            # Claude Code then reports that the server failed, and the person is told.
            return web.json_response({"error": "this tool server does not work now"}, status=503)
        return web.json_response(await self._answer(key, tools, server, message, message.id))

    async def _answer(
        self, key: bytes, tools: SessionTools, server: str, message: Message, number: messages.RequestId
    ) -> dict[str, object]:
        match message.method:
            case "initialize":
                return messages.result(number, messages.initialized(message.params))
            case "ping":
                return messages.result(number, {})
            case "tools/list":
                return messages.result(number, messages.listed(tools.listed(server)))
            case "tools/call":
                return await self._call(key, tools, server, message, number)
            case _:
                return messages.error(number, messages.METHOD_NOT_FOUND, "the daemon has tools only")

    async def _call(
        self, key: bytes, tools: SessionTools, server: str, message: Message, number: messages.RequestId
    ) -> dict[str, object]:
        name, arguments = message.params.get("name"), message.params.get("arguments") or {}
        if not isinstance(name, str) or not isinstance(arguments, dict):
            return messages.error(number, messages.INVALID_PARAMS, "name or arguments have a wrong type")
        task = asyncio.create_task(tools.call(server, name, arguments), name=f"{server} {name}")
        self._calls[key, number] = task
        try:
            return messages.result(number, messages.called(await task))
        except asyncio.CancelledError:
            if task.cancelled() and not _is_cancelled():
                return messages.error(number, messages.INVALID_REQUEST, "the call was cancelled")
            task.cancel()
            raise
        finally:
            self._calls.pop((key, number), None)

    def _note(self, key: bytes, message: Message) -> None:
        """Take a notification; the only one that matters is that a call is cancelled."""
        if message.method == "notifications/cancelled":
            number = message.params.get("requestId")
            if isinstance(number, str | int) and (task := self._calls.get((key, number))) is not None:
                task.cancel()


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _digest(token: str) -> bytes:
    # A header may hold any bytes; aiohttp decodes them to lone surrogates.
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()
