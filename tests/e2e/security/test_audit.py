"""The audit trail of a whole daemon: each wire leaves who, when, where from, what was done, and what it cost."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.e2e.chatting import chatting, raw, url_of
from tests.e2e.signing_in import trail
from tests.e2e.world import ALICE, ALICE_MAIL, World, script, write_file
from tests.slowness import scaled
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process, pytest.mark.asyncio(loop_scope="module")]

Say = Callable[[World, str], Awaitable[object]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with World(tmp_path_factory.mktemp("world")) as world:
        await world.start()
        yield world


async def by_text(world: World, prompt: str) -> None:
    assert await world.text(f"@site {prompt}") == 200


async def by_mail(world: World, prompt: str) -> None:
    assert await world.mail("Write", f"@site {prompt}") == "250 2.0.0 OK"


async def by_socket(world: World, prompt: str) -> None:
    session = {"session_id": "by-socket"}
    async with world.socket() as wire:
        for frame in (
            {"type": "claude_code_connect", "user_id": "alice", "project_path": str(world.project())},
            {"type": "claude_code_message", "message": prompt},
            {"type": "claude_code_disconnect"},
        ):
            await wire.send(json.dumps(frame | session))
            while json.loads(await wire.recv())["type"] not in ANSWERS:
                pass


async def by_rest(world: World, prompt: str) -> None:
    made = await world.operator(
        "POST", "/api/claude-code/sessions", {"user_id": "alice", "project_path": str(world.project())}
    )
    path = f"/api/claude-code/sessions/{made.json()['session_id']}"
    assert (await world.operator("POST", f"{path}/messages", {"message": prompt})).status_code == 200
    await world.operator("DELETE", path)


async def by_chat(world: World, prompt: str) -> None:
    async with chatting(world) as chat:
        await chat.ask(f"@site {prompt}")


async def by_stream(world: World, prompt: str) -> None:
    url = f"{world.http.replace('http', 'ws', 1)}/ws/claude?user_id=alice&project=site"
    async with connect(
        url, additional_headers={"Authorization": f"Bearer {world.daemon.token}"}, proxy=None, open_timeout=scaled(30.0)
    ) as wire:
        await wire.send(json.dumps({"prompt": prompt}))
        assert "result" in [json.loads(line).get("type") async for line in wire]


ANSWERS = ("claude_code_connected", "claude_code_response", "claude_code_disconnected")

WIRES: dict[str, tuple[Say, str, str]] = {
    "sms": (by_text, "from", ALICE),
    "mail": (by_mail, "from", ALICE_MAIL),
    "socket": (by_socket, "address", "127.0.0.1"),
    "http": (by_rest, "address", "127.0.0.1"),
    "chat": (by_chat, "address", "127.0.0.1"),
    "stream": (by_stream, "address", "127.0.0.1"),
}
"""How to say something by each, and which field of the entry tells where it came from."""


async def entries(world: World, event: str, **detail: Any) -> list[dict[str, Any]]:
    """Return the entries of an event whose detail has these fields."""
    return [one for one in await trail(world.daemon, event) if detail.items() <= one["detail"].items()]


@pytest.mark.parametrize("channel", sorted(WIRES))
async def test_a_message_with_its_call_its_answer_and_its_cost_is_in_the_trail_by_each_wire(
    world: World, channel: str
) -> None:
    say, field, where = WIRES[channel]
    path = world.project() / f"{channel}.txt"
    await say(world, script(write_file(path, "hi"), {"text": f"by {channel}"}))
    await until(lambda: entries(world, "turn.completed", channel=channel), "it is answered", 60)
    assert path.exists()
    (accepted,) = await entries(world, "message.accepted", channel=channel)
    assert (accepted["actor"], accepted["detail"][field]) == ("alice", where)
    turn = accepted["detail"]["turn"]
    for event in ("tool.allowed", "tool.started"):
        (call,) = await entries(world, event, turn=turn, channel=channel)
        assert (call["actor"], call["detail"]["summary"][:7]) == ("alice", "Write /")
        assert len(call["detail"]["summary"]) <= 80, "arguments are cut"
    (done,) = await entries(world, "tool.finished", turn=turn, channel=channel)
    assert done["detail"]["ms"] >= 0
    (answered,) = await entries(world, "turn.completed", turn=turn, channel=channel)
    assert answered["detail"]["nanos"] > 0
    assert all(tokens > 0 for tokens in answered["detail"]["tokens"])
    assert all(one["at"] for one in (accepted, done, answered))
    if channel in ("sms", "mail"):
        await until(lambda: entries(world, "reply.sent", channel=channel), "it is on its way")
    if channel == "sms":
        await until(lambda: entries(world, "reply.delivered", channel=channel), "it has arrived")


@pytest.mark.requirement(31)
async def test_a_wrong_token_is_in_the_trail_with_its_wire_and_where_it_came_from(world: World) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    async with connect(world.daemon.addresses["socket"], proxy=None, open_timeout=scaled(30.0)) as wire:
        await wire.send(json.dumps({"type": "auth", "token": "wrong"}))
        assert not json.loads(await wire.recv())["success"]
    assert (await world.client.get(f"{world.http}/api/costs", headers=wrong)).status_code == 401
    assert (await world.client.get(f"{world.http}/api/costs")).status_code == 401, "and no token leaves nothing"
    async with raw(url_of(world, token="wrong")) as chat:
        assert (await chat.closed())[0] == 4001
    live = world.http.replace("http", "ws", 1)
    async with raw(f"{live}/api/live", additional_headers=wrong) as pages:
        assert (await pages.closed())[0] == 4001
    with pytest.raises(InvalidStatus):
        async with connect(f"{live}/ws/claude", additional_headers=wrong, proxy=None, open_timeout=scaled(30.0)):
            pass
    told = {f"token: {name}" for name in ("socket", "http", "chat", "live", "stream")}

    async def all_noted() -> bool:
        return {one["detail"]["why"] for one in await entries(world, "signin.failed", **{"from": "127.0.0.1"})} == told

    await until(all_noted, "each is noted")
    verified = await world.daemon.xswarm("audit", "verify")
    assert verified.code == 0, verified
