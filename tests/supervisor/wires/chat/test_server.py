"""Who may chat, and what bad clients get: a whole daemon, real sockets."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
import pytest_asyncio
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from tests.e2e.chatting import (
    OLD_PATH,
    PATH,
    add_user,
    chatting,
    jwt_of,
    raw,
    text_of,
    url_of,
)
from tests.e2e.world import World, script, slow_answer
from tests.slowness import scaled
from tests.supervisor.people.tokens import RSA, SECRET, jwk, key_set, signed

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

REVOKED_SECONDS = 5.0
"""Within this time a connection is closed whose token counts no more (docs/chat.md)."""

ISSUERS = """
[auth.issuers.shared]
algorithm = "HS256"
secret_file = "shared.secret"
audience = "xswarm"
issuer = "https://old.example"

[auth.issuers.sso]
algorithm = "RS256"
jwks_file = "sso.json"
issuer = "https://sso.example"
user_claim = "preferred_username"
"""

OF_SHARED: dict[str, Any] = {"iss": "https://old.example", "aud": "xswarm"}
OF_SSO: dict[str, Any] = {"iss": "https://sso.example", "preferred_username": "alice", "sub": "4711"}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One daemon for all tests, which trusts two issuers besides itself."""
    folder = tmp_path_factory.mktemp("world")
    (folder / "shared.secret").write_bytes(SECRET)
    (folder / "sso.json").write_bytes(key_set(jwk(RSA, kid="one")))
    async with World(folder, connector="echo", tables=ISSUERS, drain=scaled(0.5)) as world:
        await world.start()
        await add_user(world, "bob", "COORDINATOR")
        await add_user(world, "olga", "OPERATOR")
        yield world


async def refusal(world: World, path: str = PATH, **query: str | None) -> tuple[int, str]:
    """Return the close code and the reason that a handshake gets, before any frame."""
    async with raw(url_of(world, path, **query)) as client:
        closed = await client.closed()
        assert client.frames == []
        return closed


async def opens(url: str, **options: Any) -> bool:
    """Return whether a URL greets the client."""
    async with raw(url, **options) as client:
        return bool((await client.receive())["type"] == "connected")


# -- identity


@pytest.mark.parametrize("path", [PATH, OLD_PATH])
async def test_a_token_that_is_not_valid_is_4001(world: World, path: str) -> None:
    good = await jwt_of(world)
    for token in (None, "", "nonsense", "a.b.c", good[:-2], good + "x"):
        assert await refusal(world, path, token=token) == (4001, "Invalid token")


async def test_forged_and_expired_tokens_are_4001(world: World) -> None:
    now = int(time.time())
    key = bytes.fromhex((world.daemon.state / "secrets" / "jwt").read_text(encoding="ascii").strip())
    good = {"sub": "alice", "aud": "xswarm", "iat": now, "exp": now + 60}

    def token(key: Any = key, algorithm: str = "HS256", **more: Any) -> str:
        return jwt.encode({**good, **more}, key, algorithm=algorithm)

    assert await opens(url_of(world, token=token()))
    for forged in (
        token(iat=now - 120, exp=now - 60),
        token(key="", algorithm="none"),
        token(key=b"x" * 32),
        token(key=key * 2, algorithm="HS512"),
        token(key=RSA, algorithm="RS256"),
        token(aud="another"),
        token(sub="nobody"),
        token(sub=""),
        jwt.encode({name: value for name, value in good.items() if name != "aud"}, key),
        jwt.encode({name: value for name, value in good.items() if name != "exp"}, key),
    ):
        assert await refusal(world, token=forged) == (4001, "Invalid token")


async def test_a_query_token_that_lives_too_long_is_4001_and_by_other_ways_it_counts(world: World) -> None:
    token = await jwt_of(world, minutes=61)
    assert await refusal(world, token=token) == (4001, "Invalid token")
    assert await opens(url_of(world), additional_headers={"Authorization": f"Bearer {token}"})
    assert await opens(url_of(world), subprotocols=[Subprotocol("bearer"), Subprotocol(token)])


async def test_the_subprotocol_is_chosen_so_that_a_browser_stays(world: World) -> None:
    token = await jwt_of(world)
    async with raw(url_of(world), subprotocols=[Subprotocol("bearer"), Subprotocol(token)]) as client:
        assert client.connection.subprotocol == "bearer"
        assert (await client.receive())["type"] == "connected"
    async with raw(url_of(world), subprotocols=[Subprotocol("bearer"), Subprotocol("wrong")]) as client:
        assert client.connection.subprotocol == "bearer"
        assert await client.closed() == (4001, "Invalid token")


async def test_a_role_that_may_not_chat_is_4003(world: World) -> None:
    assert await refusal(world, token=await jwt_of(world, "olga")) == (4003, "Admin access required")
    service = await world.service_token()
    for token in (service, world.daemon.token):
        async with raw(url_of(world), additional_headers={"Authorization": f"Bearer {token}"}) as client:
            assert await client.closed() == (4003, "Admin access required")
    assert await opens(url_of(world, token=await jwt_of(world, "bob")))


async def test_a_foreign_page_is_403_before_the_handshake(world: World) -> None:
    token = await jwt_of(world)
    for options in ({"origin": "https://evil.example"}, {"additional_headers": {"Host": "evil.example"}}):
        with pytest.raises(InvalidStatus) as refused:
            await opens(url_of(world, token=token), **options)
        assert refused.value.response.status_code == 403


async def test_tokens_of_other_issuers_count_by_their_tables(world: World) -> None:
    assert await opens(url_of(world, token=signed(**OF_SHARED)))
    assert await opens(url_of(world, token=signed(RSA, "RS256", kid="one", **OF_SSO)))
    for token in (
        signed(),  # a token without `iss` fits a table only that names none
        signed(**{**OF_SHARED, "aud": "another"}),
        signed(**{**OF_SHARED, "iss": "https://sso.example"}),
        signed(**{**OF_SHARED, "sub": "mallory"}),
        signed(**{**OF_SHARED, "type": "refresh"}),
        signed(**{**OF_SHARED, "exp": int(time.time()) - 1}),
        signed(RSA, "RS256", kid="two", **OF_SSO),
        signed(SECRET, "HS256", **OF_SSO),
    ):
        assert await refusal(world, token=token) == (4001, "Invalid token")
    long = signed(**{**OF_SHARED, "exp": int(time.time()) + 7200})
    assert await refusal(world, token=long) == (4001, "Invalid token")
    assert await opens(url_of(world), additional_headers={"Authorization": f"Bearer {long}"})


async def test_tokens_of_other_issuers_count_in_rest_too(world: World) -> None:
    url = f"{world.http}/api/claude-chat/sessions"
    for token, status in ((signed(**OF_SHARED), 200), (signed(), 401)):
        response = await world.client.get(url, headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == status


async def test_no_token_is_in_the_log(world: World) -> None:
    tokens = [await jwt_of(world), signed(**OF_SHARED), signed()]
    for token in tokens:
        async with raw(url_of(world, token=token)) as client:
            await client.connection.close()
    log = "".join(world.daemon.log)
    assert not any(token in log or token.split(".")[2] in log for token in tokens)


# -- rights that change


@pytest.mark.requirement(8)
async def test_a_revoked_token_closes_its_connections_with_4001(world: World) -> None:
    made = (await world.operator("POST", "/api/admin/tokens", {"user_id": "alice"})).json()
    async with raw(url_of(world), additional_headers={"Authorization": f"Bearer {made['token']}"}) as client:
        await client.receive()
        await world.operator("DELETE", f"/api/admin/tokens/{made['id']}")
        async with asyncio.timeout(scaled(REVOKED_SECONDS)):
            assert await client.closed() == (4001, "Invalid token")


async def test_a_removed_user_is_closed_with_4001(world: World) -> None:
    await add_user(world, "carl")
    async with chatting(world, "carl") as client:
        await world.operator("DELETE", "/api/admin/users/carl")
        async with asyncio.timeout(scaled(REVOKED_SECONDS)):
            assert await client.closed() == (4001, "Invalid token")


async def test_another_role_is_closed_with_4003(world: World) -> None:
    await add_user(world, "dora")
    async with chatting(world, "dora") as client:
        await add_user(world, "dora", "OPERATOR")
        async with asyncio.timeout(scaled(REVOKED_SECONDS)):
            assert await client.closed() == (4003, "Admin access required")


@pytest.mark.requirement(10)
async def test_the_role_is_read_again_for_each_message(world: World) -> None:
    await add_user(world, "emma")
    async with chatting(world, "emma") as client:
        await add_user(world, "emma", "OPERATOR")
        await client.say("hello")
        assert await client.closed() == (4003, "Admin access required")
        assert [frame["type"] for frame in client.frames] == ["connected"]


async def test_an_expired_token_ends_the_connection_in_a_way_that_clients_retry(world: World) -> None:
    token = signed(**{**OF_SHARED, "exp": int(time.time() + scaled(6.0))})
    async with raw(url_of(world, token=token)) as client:
        await client.receive()
        assert (await client.closed())[0] == 1008
    assert await refusal(world, token=token) == (4001, "Invalid token")


# -- bad input


async def test_bad_frames_are_refused_and_the_connection_stays(world: World) -> None:
    async with chatting(world) as client:
        for text, error in (
            ("{", "the frame must be JSON"),
            ("[]", "the frame must be a JSON object, not a list"),
            ('{"type": "shutdown"}', "type: must be one of user_message, "),
            ('{"content": "hi"}', "type: field required"),
            ('{"type": "user_message"}', "user_message.content: field required"),
            ('{"type": "user_message", "content": {"a": 1}}', "user_message.content: must be a string"),
            ('{"type": "user_message", "content": "\\ud800"}', ""),
            ('{"type": "resume", "after_seq": "x"}', "resume.after_seq: must be a whole number"),
        ):
            await client.connection.send(text)
            frame = await client.receive()
            assert (frame["type"], frame["code"]) == ("error", "invalid_message"), text
            assert frame["message"].startswith(error)
        assert (await client.ask(script({"text": "still here"})))[-1]["type"] == "complete"


async def test_a_binary_frame_is_1003_and_an_oversized_one_1009(world: World) -> None:
    async with chatting(world) as client:
        await client.connection.send(b"{}")
        assert (await client.closed())[0] == 1003
    async with chatting(world) as client:
        await client.say("x" * (1024 * 1024 + 1))
        assert (await client.closed())[0] == 1009


async def test_a_long_message_is_taken_whole(world: World) -> None:
    async with chatting(world) as client:
        text = "é" * 150_000
        await client.ask(text)
        await client.send("get_history")
        assert (await client.next("history"))["messages"][0]["content"] == text


async def test_a_session_id_that_is_none_gets_a_new_session(world: World) -> None:
    for asked in ("", "a/b", "x" * 65, "../../etc"):
        async with chatting(world, session_id=asked) as client:
            assert client.session_id != asked
    async with chatting(world) as client:
        await client.say("hi", session_id="a/b")
        assert (await client.answer())[-1]["code"] == "invalid_message"


async def test_five_hundred_sockets_are_open_at_once(world: World) -> None:
    token = await jwt_of(world)
    async with asyncio.TaskGroup() as group:
        everybody = asyncio.Event()
        ready = 0

        async def one(number: int) -> None:
            nonlocal ready
            async with raw(url_of(world, token=token)) as client:
                assert (await client.receive())["type"] == "connected"
                ready += 1
                if ready == 500:
                    everybody.set()
                await everybody.wait()
                if number % 25 == 0:
                    assert text_of(await client.ask(script({"text": f"for {number}"}))) == f"for {number}"

        for number in range(500):
            group.create_task(one(number))


async def test_the_daemon_stops_with_open_chats(world: World) -> None:
    async with chatting(world) as client:
        await client.say(script(slow_answer(100, 60.0)))
        await client.next("token")
        assert await world.daemon.stop() == 0
        code, _ = await client.closed()
        assert code not in (1000, 4001, 4003)
    await world.start()
    assert not [line for line in world.daemon.log if "ERROR" in line or "Traceback" in line], json.dumps(
        world.daemon.log[-20:]
    )
