"""A FastAPI application that answers every error in the format of failures.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI
from fastapi.datastructures import Default
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.params import Depends
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from supervisor.protocol.errors import InternalError, XswarmError
from supervisor.protocol.limits import OneOf
from supervisor.wires.failures import CODES, MethodNotAllowed, NoSuchPath, NotJson, failure, invalid

TITLE = "xswarm"
VERSION = "1"
"""Version of the HTTP interface, not of the program."""


FAILED: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "Default Response",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}},
    }
}
"""What every route documents; with a model here, each of the routes would build its schema anew."""


class Failure(BaseModel):
    """A request that was not carried out; `retry_after` in seconds."""

    error: str
    code: Annotated[str, OneOf(CODES)]
    remedy: str = ""
    retry_after: float | None = None


class LazyRoute(Route):
    """A route of the REST API that FastAPI reads at its first request.

    FastAPI takes 2 ms for the signature of a handler; for all of them it would be a fifth of the daemon's start.

    Args:
        handler: answers the request; FastAPI reads its signature and its docstring.
        status: the HTTP status of success.
        bodies: what it answers, by the status, where it has several of success; empty = what the handler returns.
        dependencies: what every request must pass first.
    """

    def __init__(
        self,
        method: str,
        path: str,
        handler: Callable[..., Any],
        *,
        status: int,
        dependencies: Sequence[Depends],
        bodies: Mapping[int, type] = MappingProxyType({}),
    ) -> None:
        super().__init__(path, handler)
        self.methods = {method}  # HEAD is answered where a handler declares it
        self._status = status
        self._bodies = bodies
        self._dependencies = dependencies

    @cached_property
    def built(self) -> APIRoute:
        """The route as FastAPI reads it."""
        others: dict[int | str, dict[str, Any]] = {
            status: {"model": body} for status, body in self._bodies.items() if status != self._status
        }
        return APIRoute(
            self.path,
            self.endpoint,
            methods=self.methods,
            status_code=self._status,
            response_model=self._bodies.get(self._status, Default(None)),
            dependencies=self._dependencies,
            responses=FAILED | others,
        )

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request to the path; another method of it is a 405."""
        await self.built.handle(scope, receive, send)


class _Described(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """Return the description of all routes, with the body of a failure."""
        if self.openapi_schema is None:
            routes = [route.built if isinstance(route, LazyRoute) else route for route in self.routes]
            self.openapi_schema = get_openapi(title=self.title, version=self.version, routes=routes)
            schemas = self.openapi_schema.setdefault("components", {}).setdefault("schemas", {})
            schemas.setdefault("Failure", Failure.model_json_schema())
        return self.openapi_schema


def api(*routers: APIRouter) -> FastAPI:
    """Return an application with these routes; /openapi.json describes it."""
    # No documentation pages: they load scripts from a CDN.
    app = _Described(title=TITLE, version=VERSION, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.add_exception_handler(XswarmError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _unserved)
    app.add_exception_handler(Exception, _broken)
    for router in routers:
        app.router.routes += router.routes  # include_router would read each handler
    return app


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, XswarmError)
    return failure(error)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return failure(invalid(error.errors()))


async def _unserved(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return failure(NoSuchPath())
    if error.status_code == 405:
        return failure(MethodNotAllowed(_methods(request)))
    return failure(NotJson())  # the only other status that the framework answers by itself is 400


def _methods(request: Request) -> str:
    """Return the methods of a path as an Allow header lists them; each method of a path is a route of its own."""
    found: set[str] = set()
    for route in request.app.router.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= getattr(route, "methods", None) or set()
    return ", ".join(sorted(found))


async def _broken(request: Request, error: Exception) -> JSONResponse:
    # Starlette raises the error again after this answer; the guard logs it with the reference.
    return failure(InternalError(request.state.reference))
