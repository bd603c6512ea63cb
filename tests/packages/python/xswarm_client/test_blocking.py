"""The client whose calls block, in a plain program, against a daemon of another age that is a stand-in."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from websockets.asyncio.server import ServerConnection

from tests.packages.python.xswarm_client.stand_ins import daemon, say
from xswarm_client import Answer, Client, Text, XswarmError

T = TypeVar("T")


async def answers(frame: dict[str, Any], websocket: ServerConnection) -> None:
    """Answer as a daemon does."""
    back, of = frame.get("request_id"), {"session_id": frame.get("session_id"), "message_id": "m1"}
    match frame["type"]:
        case "claude_code_connect":
            await say(websocket, type="claude_code_connected", request_id=back, resumed=True)
        case "claude_code_message":
            await say(websocket, type="claude_code_delta", text="all ", **of)
            await say(websocket, type="claude_code_delta", text="good", **of)
            await say(websocket, type="claude_code_response", request_id=back, content="all good", **of)
        case "message":
            await say(websocket, type="message_response", request_id=back, content="routed", target="assistant")
        case "list_sessions":
            await say(websocket, type="sessions", request_id=back, sessions=[{"session_id": "s1", "status": "idle"}])
        case "get_cost":
            await say(websocket, type="cost", request_id=back, total_usd=1.5, rows=[{"key": "alice", "cost_usd": 1.5}])
        case "get_history":
            await say(websocket, type="history", request_id=back, messages=[{"id": "m1", "message": "hi"}])
        case "resolve_approval":
            await say(websocket, type="error", request_id=back, code="approval_not_found", message="Approval not found")
        case _:
            await say(websocket, type="done", request_id=back)


async def with_client(work: Callable[[Client], T]) -> T:
    """Run a plain function with a connected client, in a thread."""

    def plain(url: str) -> T:
        with Client(url, "secret", user="alice", project="/srv/site") as client:
            return work(client)

    async with daemon(answers, {"server": "xswarm/0"}) as url:
        return await asyncio.to_thread(plain, url)


async def test_every_call_blocks_until_its_answer() -> None:
    def work(client: Client) -> None:
        assert (client.server, client.user, client.project) == ("xswarm/0", "alice", "/srv/site")
        with client.session() as session:
            assert session.resumed
            assert session.ask("hi").content == "all good"
            assert session.history()[0].message == "hi"
            assert session.status().session_id == ""
            assert not session.interrupt()
        assert client.ask("hello") == Answer(content="routed", target="assistant")
        assert [one.status for one in client.sessions()] == ["idle"]
        assert client.cost(group_by="user").rows[0].cost_usd == 1.5
        with pytest.raises(XswarmError, match="Approval not found"):
            client.approve("ABCDE")

    await with_client(work)


async def test_a_stream_is_a_plain_iterator_that_may_be_left_early() -> None:
    def work(client: Client) -> None:
        assert list(client.stream("hi"))[:2] == [Text("all "), Text("good")]
        session = client.session()
        for event in session.stream("hi"):
            assert event == Text("all ")
            break
        assert session.ask("hi").content == "all good"

    await with_client(work)


async def test_a_blocking_call_from_a_callback_is_refused_instead_of_waiting_for_itself() -> None:
    def work(client: Client) -> None:
        session = client.session()
        with pytest.raises(RuntimeError, match="would wait for itself"):
            session.ask("hi", on_event=lambda _: session.status())

    await with_client(work)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of Python 3.12: it has threads
async def test_a_forked_process_connects_anew() -> None:
    def work(url: str) -> int:
        with Client(url, "secret", user="alice", project="/srv") as client:
            assert client.ask("hello").content == "routed"
        child = os.fork()
        if child == 0:
            code = 1
            try:
                with Client(url, "secret", user="alice", project="/srv") as client:
                    code = 0 if client.ask("hello").content == "routed" else 2
            finally:
                os._exit(code)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    async with daemon(answers, {}) as url:
        assert await asyncio.to_thread(work, url) == 0
