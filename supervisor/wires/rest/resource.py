"""What the resources share: the row of a route, the body of a failure, common parameters, repeated requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path
from fastapi.params import Depends

from supervisor.operations.work_request import WorkRequest
from supervisor.people.identity import Caller
from supervisor.protocol.errors import IdempotencyConflict
from supervisor.protocol.events import OMIT
from supervisor.protocol.limits import Between
from supervisor.wires.http.api import LazyRoute
from supervisor.wires.http.auth import documented
from supervisor.wires.http.idempotency import IdempotencyKey

T = TypeVar("T")

SESSIONS = "/api/claude-code/sessions"
SESSION = SESSIONS + "/{session_id}"

MAX_ROW_ID = 2**63 - 1
"""The largest integer that the database stores."""

Id = Annotated[str, Path(max_length=256)]
Limit = Annotated[int, Between(1, 500)]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route of a resource.

    Attributes:
        handler: answers the request; FastAPI reads its signature and its docstring.
        status: the HTTP status of success.
        bodies: what it answers, by the status, where it has several of success; empty = what the handler returns.
    """

    method: str
    path: str
    handler: Callable[..., Any]
    status: int = 200
    bodies: Mapping[int, type] = field(default_factory=dict)


def resource_router(
    endpoints: Sequence[Endpoint], *, prefix: str = "", dependencies: Sequence[Depends] = (documented,)
) -> APIRouter:
    """Return the routes of a resource.

    Args:
        dependencies: what every request must pass first. `documented` passes all: it is for /openapi.json only.
    """
    return APIRouter(
        routes=[
            LazyRoute(
                each.method,
                prefix + each.path,
                each.handler,
                status=each.status,
                bodies=each.bodies,
                dependencies=tuple(dependencies),
            )
            for each in endpoints
        ]
    )


def body_from(kind: type[T], event: object) -> T:
    """Return a body of a dataclass `kind`, with those fields of an event that `kind` has and that are not omitted."""
    values = {item.name: getattr(event, item.name) for item in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in values.items() if value is not OMIT})


def work_request(caller: Caller, channel: str, key: IdempotencyKey | None) -> WorkRequest:
    """Return the operation's request; with an Idempotency-Key, the store deduplicates it."""
    if key is None:
        return WorkRequest(caller=caller, channel=channel)
    return WorkRequest(caller=caller, channel=channel, external_id=key.external_id, digest=key.digest)


def key_conflict(key: IdempotencyKey | None) -> IdempotencyConflict:
    """Return the error of a key that was used for another body; it names the key as the client wrote it."""
    return IdempotencyConflict(key.key if key is not None else "")
