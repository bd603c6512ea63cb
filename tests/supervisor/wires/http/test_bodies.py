"""Bodies within a limit of bytes and of time."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message, Receive

from supervisor.wires.failures import BodyTooLarge, BodyTooSlow
from supervisor.wires.http.bodies import Bodies, read_body, replay
from supervisor.wires.http.guard import Guard
from tests.supervisor.wires.http.asgi import answers_to, client_of, echo, http_scope
from tests.supervisor.wires.http.serving import refusal


def part(body: bytes, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def parts(*messages: Message) -> tuple[list[Message], Receive]:
    left = list(messages)

    async def receive() -> Message:
        return left.pop(0)

    return left, receive


async def test_body_is_handed_on_whole() -> None:
    async with client_of(Guard(Bodies(echo, limit=10))) as client:
        assert (await client.post("/x", content=b"0123456789")).json()["body"] == "0123456789"
        assert (await client.get("/x")).json()["body"] == ""


async def test_body_that_says_it_is_too_large_is_not_read() -> None:
    async with client_of(Guard(Bodies(echo, limit=10))) as client:
        response = await client.post("/x", content=b"0" * 11)
        assert refusal(response) == (413, "too_large", "The body is larger than 10 bytes")
    scope = http_scope(headers={"content-length": "11"})
    start, _ = await answers_to(Guard(Bodies(echo, limit=10)), scope)  # it would fail on reading
    assert start["status"] == 413


async def test_body_that_does_not_say_is_read_to_the_limit_and_no_further() -> None:
    left, receive = parts(part(b"0" * 10, more=True), part(b"0", more=True), part(b"never read"))
    with pytest.raises(BodyTooLarge):
        await read_body(http_scope(), receive, 10)
    assert left == [part(b"never read")]


async def test_length_that_lies_or_is_no_number_does_not_help() -> None:
    for length in ("1", "-1", "ten", "", "1e9"):
        _, receive = parts(part(b"0" * 11))
        with pytest.raises(BodyTooLarge):
            await read_body(http_scope(headers={"content-length": length}), receive, 10)


async def test_body_that_does_not_come_is_408() -> None:
    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("nothing sets the event")

    with pytest.raises(BodyTooSlow):
        await read_body(http_scope(), never, 10, seconds=0.01)


async def test_client_that_leaves_half_way_is_answered_nothing() -> None:
    messages = (part(b"0", more=True), {"type": "http.disconnect"})
    assert await answers_to(Guard(Bodies(echo, limit=10)), http_scope(), *messages) == []


async def test_body_comes_first_and_then_what_comes() -> None:
    _, receive = parts({"type": "http.disconnect"})
    again = replay(b"body", receive)
    assert await again() == part(b"body")
    assert await again() == {"type": "http.disconnect"}
