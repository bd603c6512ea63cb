"""Bearer tokens: who passes, and who does not."""

from __future__ import annotations

import pytest
from fastapi import APIRouter

from supervisor.people.authentication import Authenticator
from supervisor.people.identity import Directory
from supervisor.wires.http.api import api
from supervisor.wires.http.auth import OPEN, Bearer, Calling, documented, operator_only
from supervisor.wires.http.cookies import Cookies
from supervisor.wires.http.guard import Guard
from tests.supervisor.harness import JWT_SECRET, OPERATOR, SERVICE
from tests.supervisor.wires.http.asgi import answers_to, client_of, echo, http_scope
from tests.supervisor.wires.http.serving import refusal


def known() -> Authenticator:
    return Authenticator(Directory(operator_token=OPERATOR, service_token=SERVICE, jwt_secret=JWT_SECRET))


def routes() -> APIRouter:
    router = APIRouter(dependencies=[documented])

    async def who(caller: Calling) -> str:
        return caller.name

    async def rights() -> str:
        return "all"

    router.add_api_route("/who", who)
    router.add_api_route("/rights", rights, dependencies=[operator_only])
    return router


def app() -> Guard:
    return Guard(Bearer(api(routes()), known(), Cookies()))


@pytest.mark.parametrize("value", [f"Bearer {SERVICE}", f"bearer {SERVICE}", f"Bearer   {SERVICE} "])
async def test_caller_is_known_by_the_token(value: str) -> None:
    async with client_of(app()) as client:
        assert (await client.get("/who", headers={"Authorization": value})).json() == "service"


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", SERVICE, f"Basic {SERVICE}", f"Bearer {SERVICE}x", "Bearer a.b.c", "Bearer \xff"]
)
async def test_anything_else_is_401(value: str) -> None:
    scope = http_scope("GET", "/who") | {
        "headers": [(b"host", b"localhost"), (b"authorization", value.encode("latin-1"))]
    }
    start, _ = await answers_to(app(), scope, {"type": "http.request"})
    assert start["status"] == 401


async def test_two_tokens_are_none() -> None:
    good = (b"authorization", f"Bearer {SERVICE}".encode())
    scope = http_scope("GET", "/who") | {"headers": [(b"host", b"localhost"), good, good]}
    start, _ = await answers_to(app(), scope, {"type": "http.request"})
    assert start["status"] == 401


@pytest.mark.requirement(5)
async def test_token_in_the_url_is_none() -> None:
    async with client_of(app()) as client:
        assert (await client.get("/who", params={"token": SERVICE})).status_code == 401


async def test_operator_alone_passes_where_only_the_operator_may() -> None:
    async with client_of(app()) as client:
        assert (await client.get("/rights", headers={"Authorization": f"Bearer {OPERATOR}"})).json() == "all"
        refused = refusal(await client.get("/rights", headers={"Authorization": f"Bearer {SERVICE}"}))
        assert refused == (403, "not_allowed", "Not allowed: the admin API")


async def test_health_is_open_and_nothing_like_it() -> None:
    async with client_of(Guard(Bearer(echo, known(), Cookies()))) as client:
        for path in OPEN:
            assert (await client.get(path)).status_code == 200
            for like in (f"{path}/", f"/x/..{path}x", path.upper(), f"/{path}"):
                scope = http_scope("GET", like)
                start, _ = await answers_to(Guard(Bearer(echo, known(), Cookies())), scope, {"type": "http.request"})
                assert start["status"] == 401, like


def test_description_says_that_a_token_is_needed() -> None:
    schema = api(routes()).openapi()
    assert schema["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
    assert schema["paths"]["/who"]["get"]["security"]
