"""A session with a remote Claude Code, over a real WebSocket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from connectors.remote.backoff import Backoff
from connectors.remote.conversation import RemoteConversation
from connectors.remote.plugin import PLUGIN, RemoteConfig, RemoteConnector
from supervisor.protocol.conversation import Exited, Failed, Finished, Prompt, TextDelta, Tokens, UsageReported
from supervisor.protocol.errors import ConnectionFailed
from supervisor.protocol.messages import MessageId
from supervisor.protocol.ports.connector import Conversation
from tests.connectors.contract import Listener, PlainHost, new_prompt, opened, session_spec
from tests.connectors.remote.server import NEVER_ANSWERED, RemoteServer, answer_to
from tests.slowness import scaled
from tests.waiting import until

FAST = Backoff(first=0.005, most=0.02, tries=100)
RARE = Backoff(first=600, most=600, tries=3)
SCARCE = Backoff(first=0.005, most=60, tries=3)


@asynccontextmanager
async def talk(
    folder: Path, server: RemoteServer, *, backoff: Backoff = FAST, turn_timeout: float = scaled(60.0)
) -> AsyncIterator[tuple[Conversation, Listener]]:
    config = RemoteConfig(websocket_url=server.url, turn_timeout_seconds=turn_timeout)
    connector = RemoteConnector(config, None, backoff=backoff)
    async with opened(connector, session_spec(folder)) as pair:
        yield pair


async def prompts_arrived(server: RemoteServer, count: int) -> None:
    await until(lambda: len(server.prompts) >= count, f"{count} prompts at the remote")


async def cut_off(server: RemoteServer, conversation: Conversation) -> None:
    """Cut the connection, and wait until the conversation knows: before, it would still send a prompt."""
    assert isinstance(conversation, RemoteConversation)
    await server.cut()
    await until(lambda: conversation._connection is None, "the loss is noticed")


async def test_a_prompt_and_its_answer_are_those_of_the_protocol(tmp_path: Path) -> None:
    prompt = Prompt(message_id=MessageId("m1"), text="hi", context={"ticket": 7})
    async with RemoteServer() as server, talk(tmp_path, server) as (conversation, listener):
        await conversation.prompt(prompt)
        await listener.outcome()
    sent = server.prompts[0]
    assert sent.pop("timestamp").endswith("Z")
    assert sent == {"id": "m1", "session_id": "session-1", "content": "hi", "context": {"ticket": 7}}
    assert listener.events == [
        TextDelta(text="done: hi"),
        UsageReported(model="remote", tokens=Tokens(), provider_nanos=12_500_000, authoritative=True),
        Finished(message_id=MessageId("m1"), text="done: hi"),
        Exited(),
    ]


async def test_the_token_is_the_one_of_the_host(tmp_path: Path) -> None:
    async with RemoteServer() as server:
        host = PlainHost(tmp_path, {"CLAUDE_CODE_AUTH_TOKEN": "sesame-9"})
        connector = PLUGIN.build(RemoteConfig(websocket_url=server.url), host)
        async with opened(connector, session_spec(tmp_path)):
            pass
    assert [handshake.headers["Authorization"] for handshake in server.handshakes] == ["Bearer sesame-9"]


async def test_a_remote_that_is_not_there_does_not_open(tmp_path: Path, unused_tcp_port: int) -> None:
    url = f"ws://127.0.0.1:{unused_tcp_port}"
    connector = PLUGIN.build(RemoteConfig(websocket_url=url), PlainHost(tmp_path))
    with pytest.raises(ConnectionFailed, match="nothing accepts connections there"):
        await connector.open(session_spec(tmp_path), ())


async def test_an_error_of_the_remote_is_a_failure_that_costs_what_it_cost(tmp_path: Path) -> None:
    async def fail(connection: ServerConnection, prompt: dict[str, Any]) -> None:
        await connection.send(answer_to(prompt, status="error", content="out of disk", cost_usd=0.5))

    async with RemoteServer(fail) as server, talk(tmp_path, server) as (conversation, listener):
        await conversation.prompt(new_prompt("hi"))
        outcome = await listener.outcome()
    assert outcome == Failed(message_id=outcome.message_id, why="out of disk")
    assert listener.events[0] == UsageReported(
        model="remote", tokens=Tokens(), provider_nanos=500_000_000, authoritative=True
    )
    assert listener.streamed == ""


async def test_an_answer_without_a_cost_says_that_its_cost_is_unknown(tmp_path: Path) -> None:
    async def no_cost(connection: ServerConnection, prompt: dict[str, Any]) -> None:
        await connection.send(answer_to(prompt, cost_usd=None))

    async with RemoteServer(no_cost) as server, talk(tmp_path, server) as (conversation, listener):
        await conversation.prompt(new_prompt("hi"))
        await listener.outcome()
    assert UsageReported(model="remote", tokens=Tokens(), provider_nanos=None, authoritative=True) in listener.events


async def test_noise_is_logged_and_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def noisy(connection: ServerConnection, prompt: dict[str, Any]) -> None:
        await connection.send("{broken")
        await connection.send("[]")
        await connection.send(json.dumps({"message_id": 7}))
        await connection.send(b"\x00\x01")
        await connection.send(answer_to({"id": "nobody's", "content": ""}))
        await connection.send(answer_to(prompt))
        await connection.send(answer_to(prompt, content="again"))

    async with RemoteServer(noisy) as server, talk(tmp_path, server) as (conversation, listener):
        await conversation.prompt(new_prompt("one"))
        await conversation.prompt(new_prompt("two"))
        await listener.outcome(2)
    assert [outcome.text for outcome in listener.outcomes if isinstance(outcome, Finished)] == [
        "done: one",
        "done: two",
    ]
    assert len(server.handshakes) == 1
    for words in ("not JSON", "not an object", "message_id: must be", "a binary frame of 2 bytes", "'nobody\\'s'"):
        assert words in caplog.text.replace('"nobody\'s"', "'nobody\\'s'")


async def test_an_answer_that_is_too_large_fails_its_turn_and_the_next_one_works(tmp_path: Path) -> None:
    async def huge(connection: ServerConnection, prompt: dict[str, Any]) -> None:
        content = "x" * (16 * 1024 * 1024) if prompt["content"] == "huge" else "fine"
        await connection.send(answer_to(prompt, content=content))

    async with RemoteServer(huge) as server, talk(tmp_path, server) as (conversation, listener):
        await conversation.prompt(new_prompt("huge"))
        first = await listener.outcome()
        await conversation.prompt(new_prompt("small"))
        second = await listener.outcome(2)
    assert isinstance(first, Failed)
    assert "an answer was too large" in first.why
    assert isinstance(second, Finished)


async def test_a_turn_in_flight_at_the_loss_fails_and_is_never_sent_twice(tmp_path: Path) -> None:
    async with RemoteServer() as server, talk(tmp_path, server) as (conversation, listener):
        lost = new_prompt(NEVER_ANSWERED)
        await conversation.prompt(lost)
        await prompts_arrived(server, 1)
        await server.cut()
        outcome = await listener.outcome()
        after = new_prompt("hi")
        await conversation.prompt(after)
        answer = await listener.outcome(2)
    assert outcome == Failed(
        message_id=lost.message_id,
        why="the connection to the remote Claude Code was lost (it broke off); the request may have run there",
    )
    assert isinstance(answer, Finished)
    assert [prompt["id"] for prompt in server.prompts] == [lost.message_id, after.message_id]
    assert len(server.handshakes) == 2


async def test_a_prompt_during_the_outage_hurries_the_next_attempt_and_is_sent(tmp_path: Path) -> None:
    async with RemoteServer() as server, talk(tmp_path, server, backoff=RARE) as (conversation, listener):
        await cut_off(server, conversation)
        writes = [asyncio.create_task(conversation.prompt(new_prompt(text)), name=text) for text in ("one", "two")]
        await asyncio.gather(*writes)
        await listener.outcome(2)
    assert [prompt["content"] for prompt in server.prompts] == ["one", "two"]
    assert all(isinstance(outcome, Finished) for outcome in listener.outcomes)
    assert len(server.handshakes) == 2


async def test_a_prompt_that_cannot_be_sent_is_refused_at_once_and_the_next_one_is_tried_again(tmp_path: Path) -> None:
    async with RemoteServer() as server, talk(tmp_path, server, backoff=RARE) as (conversation, listener):
        server.refuse_with = 503
        await cut_off(server, conversation)
        for _ in range(RARE.tries + 2):
            with pytest.raises(ConnectionFailed, match="the message was not sent") as caught:
                await conversation.prompt(new_prompt("lost"))
            assert "503" in caught.value.why
            assert caught.value.remedy
        server.refuse_with = None
        await conversation.prompt(new_prompt("sent"))
        await listener.outcome()
    assert [prompt["content"] for prompt in server.prompts] == ["sent"]
    assert len(listener.outcomes) == 1


async def test_a_prompt_whose_time_ends_before_it_was_sent_says_so(tmp_path: Path) -> None:
    async with RemoteServer() as server, talk(tmp_path, server, turn_timeout=0.2) as (conversation, listener):
        server.accepting.clear()
        await cut_off(server, conversation)
        await conversation.prompt(new_prompt("waits"))
        outcome = await listener.outcome()
        server.accepting.set()
    assert isinstance(outcome, Failed)
    assert outcome.timed_out
    assert outcome.why == "the remote Claude Code could not be reached within 0.2 seconds; the message was not sent"
    assert server.prompts == []


async def test_a_prompt_during_the_outage_can_be_interrupted(tmp_path: Path) -> None:
    async with RemoteServer() as server, talk(tmp_path, server) as (conversation, listener):
        server.refuse_with = 503
        await server.cut()
        await until(lambda: len(server.handshakes) > 1, "a try")
        write = asyncio.create_task(conversation.prompt(new_prompt("one")), name="one")
        await asyncio.sleep(0)
        await conversation.interrupt()
        await write
        outcome = await listener.outcome()
    assert isinstance(outcome, Failed)
    assert outcome.interrupted
    assert server.prompts == []


async def test_a_cancelled_prompt_during_the_outage_is_not_sent_later(tmp_path: Path) -> None:
    async with RemoteServer() as server, talk(tmp_path, server) as (conversation, listener):
        server.refuse_with = 503
        await server.cut()
        await until(lambda: len(server.handshakes) > 1, "a try")
        write = asyncio.create_task(conversation.prompt(new_prompt("dropped")), name="dropped")
        await asyncio.sleep(0)
        write.cancel()
        await asyncio.wait({write})
        server.refuse_with = None
        await conversation.prompt(new_prompt("kept"))
        await listener.outcome()
    assert [prompt["content"] for prompt in server.prompts] == ["kept"]
    assert len(listener.outcomes) == 1


async def test_a_remote_that_stays_away_is_given_up(tmp_path: Path) -> None:
    async with RemoteServer() as server, talk(tmp_path, server, backoff=SCARCE) as (conversation, listener):
        await server.__aexit__()
        write = asyncio.create_task(conversation.prompt(new_prompt("hi")), name="hi")
        await listener.end()
        with pytest.raises(ConnectionFailed):
            await conversation.prompt(new_prompt("hi"))
        with pytest.raises(ConnectionFailed):
            await write
    [exited] = [event for event in listener.events if isinstance(event, Exited)]
    assert exited.why.startswith("the connection to the remote Claude Code was lost and could not be restored")
    assert "nothing accepts connections there" in exited.why


async def test_a_remote_that_hangs_up_on_everybody_is_given_up_too(tmp_path: Path) -> None:
    async with RemoteServer() as server, talk(tmp_path, server, backoff=SCARCE) as (_, listener):
        while not listener.events:
            await server.cut()
            await asyncio.sleep(0)
        await listener.end()
    assert len(server.handshakes) == 1 + SCARCE.tries


async def test_a_remote_that_starts_to_refuse_us_is_given_up_at_once(tmp_path: Path) -> None:
    async with RemoteServer() as server, talk(tmp_path, server) as (_, listener):
        server.refuse_with = 401
        await server.cut()
        await listener.end()
    assert len(server.handshakes) == 2
    assert listener.events == [Exited(why=f"{server.url} refused us, as we have no token (HTTP 401)")]


async def test_a_late_answer_to_an_interrupted_turn_is_ignored(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def late(connection: ServerConnection, prompt: dict[str, Any]) -> None:
        if prompt["content"] == "slow":
            await go_on.wait()
        await connection.send(answer_to(prompt))

    async with RemoteServer(late) as server, talk(tmp_path, server) as (conversation, listener):
        slow, after = new_prompt("slow"), new_prompt("after")
        await conversation.prompt(slow)
        await prompts_arrived(server, 1)
        await conversation.interrupt()
        await conversation.prompt(after)
        go_on.set()
        await listener.outcome(2)
    assert listener.outcomes == [
        Failed(message_id=slow.message_id, why="stopped on request", interrupted=True),
        Finished(message_id=after.message_id, text="done: after"),
    ]


async def test_a_turn_without_an_answer_is_timed_out(tmp_path: Path) -> None:
    async with RemoteServer() as server, talk(tmp_path, server, turn_timeout=0.05) as (conversation, listener):
        await conversation.prompt(new_prompt(NEVER_ANSWERED))
        outcome = await listener.outcome()
    assert isinstance(outcome, Failed)
    assert outcome.timed_out
    assert "did not answer within 0.05 seconds" in outcome.why


async def test_close_during_the_outage_leaves_no_task(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    async with RemoteServer() as server:
        serving = asyncio.all_tasks()
        async with talk(tmp_path, server) as (conversation, listener):
            server.refuse_with = 503
            await server.cut()
            await until(lambda: len(server.handshakes) > 2, "some tries")
            write = asyncio.create_task(conversation.prompt(new_prompt("hi")), name="hi")
            await asyncio.sleep(0)
        with pytest.raises(ConnectionFailed):
            await write
        await until(lambda: asyncio.all_tasks() <= serving, "no task left")
    assert listener.events == [Exited()]
    assert asyncio.all_tasks() <= before
