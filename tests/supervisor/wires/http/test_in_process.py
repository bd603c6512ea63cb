"""Requests to an application in this process."""

from __future__ import annotations

from fastapi import APIRouter

from supervisor.wires.http.api import api
from supervisor.wires.http.guard import Guard
from supervisor.wires.http.in_process import call


def app() -> Guard:
    router = APIRouter()

    async def told(name: str, body: dict[str, int] | None = None) -> dict[str, object]:
        return {"name": name, "body": body}

    async def nothing() -> None:
        return None

    router.add_api_route("/told/{name}", told, methods=["POST"])
    router.add_api_route("/nothing", nothing, methods=["DELETE"], status_code=204)
    return Guard(api(router))


async def test_a_request_reaches_its_route_and_the_json_of_the_answer_is_returned() -> None:
    assert await call(app(), "POST", "/told/a%20b", {"n": 1}) == (200, {"name": "a b", "body": {"n": 1}})
    assert await call(app(), "POST", "/told/x") == (200, {"name": "x", "body": None})


async def test_an_answer_without_a_body_is_an_empty_dictionary() -> None:
    assert await call(app(), "DELETE", "/nothing") == (204, {})


async def test_a_refusal_is_returned_as_any_answer() -> None:
    status, body = await call(app(), "GET", "/nowhere")
    assert (status, body["code"]) == (404, "not_found")
