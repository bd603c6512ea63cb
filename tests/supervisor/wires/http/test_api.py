"""The FastAPI application: every error in one form."""

from __future__ import annotations

import pytest
from fastapi import APIRouter
from pydantic import BaseModel

from supervisor.protocol.errors import MaxSessions
from supervisor.wires.http.api import api
from supervisor.wires.http.guard import Guard
from tests.supervisor.wires.http.asgi import client_of
from tests.supervisor.wires.http.serving import refusal


class Size(BaseModel):
    number: int


def app() -> Guard:
    router = APIRouter()

    async def full() -> None:
        raise MaxSessions(3)

    async def broken() -> None:
        raise ZeroDivisionError("swordfish")

    async def size(body: Size) -> int:
        return body.number

    router.add_api_route("/full", full)
    router.add_api_route("/broken", broken)
    router.add_api_route("/size", size, methods=["POST"])
    return Guard(api(router))


async def test_errors_have_one_form() -> None:
    async with client_of(app()) as client:
        assert refusal(await client.get("/full")) == (409, "max_sessions", "Maximum number of sessions (3) reached")
        assert refusal(await client.get("/nothing"))[:2] == (404, "not_found")
        assert refusal(await client.get("/size"))[:2] == (405, "method_not_allowed")
        assert refusal(await client.post("/size", json={}))[:2] == (422, "invalid_message")
        assert (await client.post("/size", json={"number": 3})).json() == 3


async def test_fault_of_ours_is_logged_once_under_the_reference_that_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async with client_of(app()) as client:
        response = await client.get("/broken")
    status, code, text = refusal(response)
    assert (status, code) == (500, "internal")
    assert "swordfish" not in response.text
    (record,) = [record for record in caplog.records if record.name.startswith("supervisor")]
    assert f"({record.getMessage().split(':')[0]})" in text


async def test_path_with_a_slash_too_many_is_not_redirected() -> None:
    async with client_of(app()) as client:
        assert (await client.get("/full/")).status_code == 404
