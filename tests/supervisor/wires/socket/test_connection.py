"""One connection: who it is, its frames, its limits, its order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.operations.messages import MessageOperations
from supervisor.operations.operations import Operations
from supervisor.operations.queries import Queries
from supervisor.operations.sessions import SessionOperations
from supervisor.people.identity import Caller
from supervisor.protocol import events
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import ProjectName, SessionId, UserId
from supervisor.protocol.status import SessionStatus
from supervisor.protocol.times import now_ms
from supervisor.store.records.session import NewSession, Session
from supervisor.wires.socket.connection import MAX_OUTSTANDING, MAX_TOPICS
from tests.slowness import scaled
from tests.supervisor.harness import OPERATOR, SERVICE
from tests.supervisor.helpers import project
from tests.supervisor.wires.socket.socket_serving import PATIENCE, Client, Listening
from tests.waiting import until

NOT_AUTHENTICATED = {"type": "error", "message": "Not authenticated", "code": "not_authenticated"}
WRONG = "Invalid authentication token"


# -- who


async def test_a_good_token_is_answered_to_the_letter(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client(None)
        answer = await client.ask("auth", token=SERVICE, request_id="r1")
        assert answer.pop("server").startswith("xswarm/")
        assert answer == {
            "type": "auth_result",
            "success": True,
            "message": "Authenticated successfully",
            "protocol": 1,
            "request_id": "r1",
        }


async def test_tokens_of_users_services_and_the_operator_and_jwts_are_taken(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        jwt = await listening.core.accounts.jwt("alice", minutes=5)
        made = await listening.core.accounts.create_token(service="gateway")
        for token in (SERVICE, OPERATOR, await listening.core.token("alice"), jwt["token"], made["token"]):
            client = await listening.client(token)
            assert await client.ask("ping") == {"type": "pong"}


@pytest.mark.requirement(6)
async def test_three_wrong_tokens_close_the_connection_with_1008(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client(None)
        for token in ("", "wrong", "a.b.c"):
            answer = await client.ask("auth", token=token)
            assert (answer["success"], answer["message"]) == (False, WRONG)
        assert (await client.closed())[0] == 1008


async def test_a_wrong_token_may_be_followed_by_a_good_one(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client(None)
        assert not (await client.ask("auth", token="wrong"))["success"]
        await client.authenticate()
        assert await client.ask("ping") == {"type": "pong"}


@pytest.mark.requirement(6)
async def test_no_token_in_time_closes_the_connection_with_1008(tmp_path: Path) -> None:
    async with Listening(tmp_path, auth_seconds=0.05) as listening:
        client = await listening.client(None)
        assert (await client.closed())[0] == 1008


async def test_a_connection_that_is_authenticated_stays(tmp_path: Path) -> None:
    async with Listening(tmp_path, auth_seconds=scaled(2.0)) as listening:
        client = await listening.client()
        late = await listening.client(None)
        assert (await late.closed())[0] == 1008  # as long as the other one has been there, and longer
        assert await client.ask("ping") == {"type": "pong"}


@pytest.mark.parametrize(
    "frame",
    [
        '{"type":"ping"}',
        '{"type":"claude_code_message","session_id":"s1","message":"hi"}',
        '{"type":"reboot"}',
        '{"type":"auth"}',
        "{",
        "[]",
        "",
    ],
)
async def test_before_auth_everything_else_is_not_authenticated(tmp_path: Path, frame: str) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client(None)
        await client.websocket.send(frame)
        assert await client.receive() == NOT_AUTHENTICATED


async def test_the_refusal_before_auth_carries_the_request_id(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client(None)
        assert await client.ask("ping", request_id="r1") == {**NOT_AUTHENTICATED, "request_id": "r1"}
        assert await client.ask("reboot", request_id="r2") == {**NOT_AUTHENTICATED, "request_id": "r2"}


async def test_another_token_makes_it_another_caller_without_the_topics_of_the_first(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        await client.connect(listening.core)
        await client.ask("subscribe", topics=["sessions", "session:s1"])
        await client.authenticate(await listening.core.token("bob"))
        listening.core.hub.publish(delta("x"), ["session:s1"])
        assert (await client.ask("get_session_status", session_id="s1"))["code"] == "session_not_found"


async def test_what_the_caller_before_asked_to_hear_is_not_heard_by_the_next(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        queries = Waiting()
        operations = Operations(
            queries=queries,
            sessions=SessionOperations.__new__(SessionOperations),
            messages=MessageOperations.__new__(MessageOperations),
        )
        client = await listening.client_of(operations)
        await client.send("subscribe", topics=["session:s1"], request_id="s")
        async with asyncio.timeout(scaled(PATIENCE)):
            await queries.asked.wait()
        await client.authenticate(await listening.core.token("bob"))
        queries.answered.set()
        assert await client.receive() == {**NOT_AUTHENTICATED, "request_id": "s"}
        assert not listening.core.hub.wanted("session:s1")


class Waiting(Queries):
    """Queries that know every session, once the test lets them answer."""

    def __init__(self) -> None:
        self.asked, self.answered = asyncio.Event(), asyncio.Event()

    async def session(self, caller: Caller, session_id: SessionId) -> Session:
        self.asked.set()
        await self.answered.wait()
        return Session.__new__(Session)


# -- frames


@pytest.mark.requirement(12)
async def test_a_bad_message_is_refused_with_its_field_and_the_connection_stays(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        answer = await client.ask("claude_code_connect", session_id="s1", user_id="alice", request_id="r1")
        assert answer == {
            "type": "error",
            "message": "claude_code_connect.project_path: field required",
            "code": "invalid_message",
            "request_id": "r1",
        }
        for frame in ("{", "[]", '{"type":"reboot"}', "null", '"' + "é" * 100_000 + '"'):
            await client.websocket.send(frame)
            assert (await client.receive())["code"] == "invalid_message"
        assert await client.ask("ping", request_id="r2") == {"type": "pong", "request_id": "r2"}


@pytest.mark.requirement(12)
async def test_a_frame_of_1_mib_is_read_and_a_longer_one_closes_with_1009(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        frame = json.dumps({"type": "ping", "padding": ""})
        padded = json.dumps({"type": "ping", "padding": "x" * (1024 * 1024 - len(frame))})
        assert len(padded) == 1024 * 1024
        await client.websocket.send(padded)
        assert await client.receive() == {"type": "pong"}
        await client.websocket.send(padded + " ")
        assert (await client.closed())[0] == 1009


@pytest.mark.requirement(12)
async def test_a_binary_frame_closes_with_1003_also_before_auth(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        for client in (await listening.client(), await listening.client(None)):
            await client.websocket.send(b'{"type":"ping"}')
            assert (await client.closed())[0] == 1003


async def test_no_text_frame_ends_a_connection(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        await client.connect(listening.core)
        loop = asyncio.get_running_loop()

        @settings(max_examples=300)
        @given(FRAMES)
        def send_and_look(frame: str) -> None:
            asyncio.run_coroutine_threadsafe(one_frame(client, frame), loop).result(scaled(30))

        await asyncio.to_thread(send_and_look)
        await one_frame(client, '{"type": "ping"}')  # answers to earlier frames may still be on their way


async def one_frame(client: Client, frame: str) -> None:
    """Send a frame and then a ping, and read until the ping is answered."""
    await client.websocket.send(frame)
    await client.send("ping", request_id="after")
    while (answer := await client.receive()) != {"type": "pong", "request_id": "after"}:
        assert answer["type"] != "error" or answer["code"] != "internal", (frame, answer)


VALUES = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.just("s1") | st.lists(st.text(max_size=9))
)
FIELDS = [
    "session_id", "user_id", "message", "project_path", "topics", "limit", "before", "since", "until", "group_by",
    "from", "to", "user", "subject", "body", "in_reply_to", "external_id", "request_id", "approval_id", "context",
]  # fmt: skip
KINDS = [
    "message", "claude_code_connect", "claude_code_message", "claude_code_disconnect", "claude_code_interrupt",
    "get_session_status", "list_sessions", "get_cost", "get_history", "sms_received", "email_received", "subscribe",
    "unsubscribe", "resolve_approval", "ping",
]  # fmt: skip
FRAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=50) | st.builds(
    lambda kind, more: json.dumps({"type": kind, "user_id": "alice", "user": "alice", "session_id": "s1", **more}),
    st.sampled_from(KINDS),
    st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6),
)


# -- limits and order


async def test_one_request_more_than_a_connection_may_have_is_overloaded(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        await client.connect(listening.core)
        for number in range(MAX_OUTSTANDING):
            await client.send("claude_code_message", session_id="s1", message="hold" if number == 0 else str(number))
        refused = await client.ask("claude_code_message", session_id="s1", message="too much", request_id="r")
        assert refused == {
            "type": "error",
            "message": "Too many messages waiting",
            "code": "overloaded",
            "session_id": "s1",
            "retry_after": 5.0,
            "request_id": "r",
        }
        assert await client.quiet()  # what costs nothing is answered all the same
        other = await listening.client()
        assert (await other.ask("get_session_status", session_id="s1"))["status"] == "active"
        await until(listening.scripted.held, "the first prompt to be held")
        listening.scripted.release("first")
        answers = [(await client.receive())["content"] for _ in range(MAX_OUTSTANDING)]
        assert answers == ["first", *map(str, range(1, MAX_OUTSTANDING))]


async def test_messages_of_a_session_are_answered_in_the_order_they_were_sent_by_50_senders(tmp_path: Path) -> None:
    wide = project(tmp_path, "wide", concurrent=True)
    async with Listening(tmp_path, projects=wide) as listening:
        each = [str(number) for number in range(10)]

        async def talk(number: int) -> list[str]:
            client = await listening.client()
            session_id = f"s{number}"
            await client.connect(listening.core, session_id, path=tmp_path / "wide")
            for text in each:
                await client.send("claude_code_message", session_id=session_id, message=text, request_id=text)
            answers = [await client.receive() for _ in each]
            assert [answer["request_id"] for answer in answers] == each
            return [answer["content"] for answer in answers]

        assert await asyncio.gather(*(talk(number) for number in range(50))) == [each] * 50
        assert listening.scripted.overlaps == []


async def test_a_message_sent_behind_a_connect_waits_for_it(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        listening.scripted.gate.clear()
        await client.send(
            "claude_code_connect", session_id="s1", project_path=str(listening.core.site), user_id="alice"
        )
        await client.send("claude_code_message", session_id="s1", message="hi")
        assert await client.quiet()  # the connection is not held up by it
        await until(lambda: listening.scripted.opening, "the process to be starting")
        listening.scripted.gate.set()
        assert (await client.receive())["type"] == "claude_code_connected"
        assert (await client.receive())["content"] == "hi"


async def test_a_slow_answer_does_not_hold_up_others_of_its_connection(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        for session_id in ("s1", "s2"):
            await client.connect(listening.core, session_id)
        await client.send("claude_code_message", session_id="s1", message="hold", request_id="slow")
        assert (await client.ask("get_session_status", session_id="s2"))["type"] == "session_status"
        await until(listening.scripted.held, "the prompt to be held")
        listening.scripted.release()
        assert (await client.receive())["request_id"] == "slow"


async def test_what_a_connection_left_behind_is_carried_out(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        await client.connect(listening.core)
        await client.send("claude_code_message", session_id="s1", message="hold")
        await until(listening.scripted.held, "the prompt to be held")
        await client.websocket.close()
        listening.scripted.release("done all the same")
        other = await listening.client()

        async def answered() -> bool:
            history = await other.ask("get_history", session_id="s1")
            return [m["message"] for m in history["messages"]] == ["hold", "done all the same"]

        await until(answered, "the answer to be in the history")


# -- a client that does not read


def delta(text: str, message_id: str = "m1") -> events.ClaudeCodeDelta:
    """Return a piece of an answer in session s1."""
    return events.ClaudeCodeDelta(session_id="s1", message_id=message_id, text=text)


async def flood(listening: Listening, quick: Client, until_seen: Callable[[], bool]) -> None:
    """Publish more than any buffer between the two ends takes, to two clients of which one reads."""
    for number in range(400):
        listening.core.hub.publish(delta("x" * 100_000, f"m{number}"), ["session:s1"])
        assert (await quick.receive())["message_id"] == f"m{number}"
        if until_seen():
            return
    raise AssertionError("40 MB were taken for a client that does not read")


async def two_listeners(listening: Listening) -> tuple[Client, Client]:
    """Return a client that has stopped reading and one that reads, both listening to session s1."""
    slow, quick = await listening.client(), await listening.client()
    await quick.connect(listening.core)
    for client in (slow, quick):
        await client.ask("subscribe", topics=["session:s1"])
    slow.websocket.transport.pause_reading()
    return slow, quick


@pytest.mark.requirement(13)
async def test_a_client_that_does_not_read_is_closed_with_1013_and_slows_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Listening(tmp_path) as listening:
        slow, quick = await two_listeners(listening)
        await flood(listening, quick, lambda: "does not read" in caplog.text)
        slow.websocket.transport.resume_reading()
        assert (await slow.closed())[0] == 1013
        assert await quick.ask("ping") == {"type": "pong"}


async def test_a_client_that_never_reads_again_is_cut_off(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Listening(tmp_path, close_seconds=0.05) as listening:
        slow, quick = await two_listeners(listening)
        await flood(listening, quick, lambda: "does not read" in caplog.text)
        await until(lambda: listening.server.client_count == 1, "the slow client to be dropped")
        slow.websocket.transport.resume_reading()
        assert (await slow.closed())[0] == 1006
        assert await quick.ask("ping") == {"type": "pong"}


async def test_pieces_of_an_answer_are_joined_while_they_wait(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        await client.connect(listening.core)
        await client.ask("subscribe", topics=["session:s1"])
        for number in range(3_000):  # in one step of the loop: nothing is written in between
            listening.core.hub.publish(delta(f"{number},"), ["session:s1"])
        frames: list[str] = []
        while not "".join(frames).endswith("2999,"):
            frames.append((await client.receive())["text"])
        assert "".join(frames) == "".join(f"{number}," for number in range(3_000))
        assert len(frames) < 10


# -- subscriptions, as far as the connection decides


async def test_topics_are_bounded(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        topics = [f"session:s{number}" for number in range(MAX_TOPICS + 1)]
        await asyncio.gather(*(record(listening, topic.removeprefix("session:")) for topic in topics))
        for start in range(0, MAX_TOPICS, 100):
            answer = await client.ask("subscribe", topics=topics[start : start + 100])
            assert len(answer["topics"]) == start + 100
        refused = await client.ask("subscribe", topics=topics[MAX_TOPICS:])
        assert refused["message"] == f"subscribe.topics: must have at most {MAX_TOPICS} items in all"


async def record(listening: Listening, session_id: str) -> None:
    """Write a session of alice's that has no process."""
    fresh = NewSession(
        id=SessionId(session_id),
        user_id=UserId("alice"),
        project=ProjectName("site"),
        project_path=str(listening.core.site),
        conversation_id=uuid7(),
    )
    await listening.core.store.sessions.create(fresh, status=SessionStatus.DISCONNECTED, now_ms=now_ms())


async def test_nobody_is_told_anything_after_they_left(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        await client.ask("subscribe", topics=["sessions", "costs"])
        assert listening.core.hub.wanted("sessions")
        await client.websocket.close()
        await until(lambda: not listening.core.hub.wanted("sessions", "costs"), "the subscriptions to end")
        assert listening.server.client_count == 0
