"""What the resources share: rows of routes, bodies of events, repeated requests."""

from __future__ import annotations

from dataclasses import asdict

from supervisor.people.identity import Caller
from supervisor.protocol import events
from supervisor.wires.http.api import LazyRoute, api
from supervisor.wires.http.idempotency import IdempotencyKey
from supervisor.wires.rest.resource import Endpoint, body_from, key_conflict, resource_router, work_request
from supervisor.wires.rest.sessions import Interrupted


async def nothing() -> None:
    """Answer nothing."""


def test_a_router_serves_its_rows_below_the_prefix() -> None:
    router = resource_router([Endpoint("POST", "/things", nothing, 201)], prefix="/api")
    (route,) = router.routes
    assert isinstance(route, LazyRoute)
    assert (route.path, route.methods) == ("/api/things", {"POST"})
    built = route.built
    assert (built.path, built.methods, built.status_code) == ("/api/things", {"POST"}, 201)


def test_a_handler_is_read_at_its_first_use() -> None:
    router = resource_router([Endpoint("GET", "/things", nothing)])
    (route,) = router.routes
    assert isinstance(route, LazyRoute)
    assert "built" not in vars(route)
    assert "/things" in api(router).openapi()["paths"]
    assert "built" in vars(route)


def test_event_of_the_socket_loses_what_belongs_to_the_socket() -> None:
    event = events.ClaudeCodeInterrupted(
        request_id="r", session_id="s", message_id=None, partial=False, timestamp="2023-11-14T22:13:20.000Z"
    )
    assert asdict(body_from(Interrupted, event)) == {
        "session_id": "s",
        "message_id": None,
        "partial": False,
        "timestamp": "2023-11-14T22:13:20.000Z",
    }


def test_a_request_without_a_key_is_deduplicated_by_nobody() -> None:
    request = work_request(Caller(name="tests"), "http", None)
    assert (request.channel, request.external_id, request.digest) == ("http", None, "")


def test_a_request_with_a_key_carries_its_id_and_digest_and_a_conflict_names_the_key() -> None:
    key = IdempotencyKey(key="k1", external_id="e1", digest="d1")
    request = work_request(Caller(name="tests"), "http", key)
    assert (request.external_id, request.digest) == ("e1", "d1")
    assert "k1" in str(key_conflict(key))
