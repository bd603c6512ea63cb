"""The HTTP server of a node that stands by: it lives, it is not ready, and it refuses everything else."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from supervisor.config import Http
from supervisor.protocol.errors import XswarmError
from supervisor.wires.failures import failure
from supervisor.wires.listening import BACKLOG, bind
from supervisor.wires.stoppable import StoppableServer


class StandsBy(XswarmError):
    """This node serves nobody: another one is active."""

    code = "unavailable"
    remedy = "ask the active node; behind a load balancer, let it look at /readyz"

    def __init__(self, active: str) -> None:
        super().__init__(active)
        self.active = active

    def __str__(self) -> str:
        return f"This node stands by: {self.active or 'another node'} is active"


class StandbyServer:
    """Serves /healthz and /readyz on the port of HTTP; `async with` starts and stops it.

    Attributes:
        active: the name of the node that is active.
        url: of the server, once it serves.
    """

    def __init__(self, config: Http) -> None:
        self._config = config
        self.active = ""
        self.url = ""

    async def __aenter__(self) -> Self:
        self._socket = bind(self._config.host, self._config.port, "http.port")
        host, port = self._socket.getsockname()[:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        routes = [
            Route("/healthz", self._healthz, methods=["GET"]),
            Route("/readyz", self._readyz, methods=["GET"]),
            Route("/{path:path}", self._refuse, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ]
        self._uvicorn = StoppableServer(
            uvicorn.Config(
                Starlette(routes=routes),
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=BACKLOG,
                timeout_graceful_shutdown=1,
            )
        )
        self._task: asyncio.Task[None] = await self._uvicorn.serving(self._socket)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._uvicorn.stop_listening()
        self._uvicorn.stop()
        await self._task
        self._socket.close()

    async def _healthz(self, request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def _readyz(self, request: Request) -> JSONResponse:
        return JSONResponse({"status": "failed", "parts": {"node": "failed"}}, 503)

    async def _refuse(self, request: Request) -> JSONResponse:
        return failure(StandsBy(self.active))
