"""A small real server that speaks the daemon's protocol, for the tests of the command line.

Prompts do what their first word says: `say`, `quiet` (no stream), `tool`, `wait` (until interrupted), `fail`, `hide`
(an answer with escape sequences).
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web
from websockets.asyncio.server import ServerConnection, serve

from supervisor.protocol import events
from supervisor.protocol.events import OMIT, Event
from supervisor.protocol.status import EndReason, SessionStatus, TurnState
from supervisor.protocol.times import now_ms, rfc3339
from tests.cli.records import Json, Records
from tests.ports import free_port
from tests.slowness import scaled

T = TypeVar("T")

OPERATOR = "operator-token-of-the-stand-in"
ALICE = "token-of-alice"


NODES: list[Json] = [
    {
        "name": name,
        "epoch": epoch,
        "labels": [],
        "version": "1.0",
        "lease_ms": 9000,
        "draining": epoch == 2,
        "projects": ["site"] if epoch == 1 else None,
        "works_in": ["barn"] if epoch == 1 else [],
        "link": "",
    }
    for epoch, name in enumerate(("rack-1", "rack-2"), start=1)
]


class Refusal(Exception):
    """The stand-in answers a request with `error`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class DaemonStandIn:
    """Runs in a thread with an event loop of its own, between `start` and `stop`."""

    def __init__(self, state_dir: Path, records: Records | None = None) -> None:
        self.state_dir = state_dir
        self.records = records or Records()
        self.requests: list[Json] = []
        self.approvals: dict[str, str] = {}
        self.admin_requests: list[tuple[str, str, Any]] = []
        self.port = free_port()
        self._connections: dict[ServerConnection, set[str]] = {}
        self._interrupts: dict[str, asyncio.Event] = {}

    def start(self) -> DaemonStandIn:
        """Serve; returns when the addresses are written."""
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), name="daemon stand-in")
        self._thread.start()
        assert ready.wait(scaled(10))
        return self

    def stop(self) -> None:
        """Close every connection and leave no addresses."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(scaled(10))
        assert not self._thread.is_alive()

    def on_loop(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run something inside the server and return its result."""
        return asyncio.run_coroutine_threadsafe(work(), self._loop).result(scaled(10))

    def somebody_else_asks(self, session_id: str, prompt: str, answer: str) -> None:
        """Let a prompt from another channel be answered."""

        async def turn() -> None:
            await self._turn(session_id, prompt, answer, stream=True)

        self.on_loop(turn)

    def push(self, event: Event, topic: str) -> None:
        """Push an event to the subscribers of a topic."""

        async def work() -> None:
            await self._push(event, topic)

        self.on_loop(work)

    @property
    def subscribers(self) -> int:
        """Connections with a subscription."""
        return sum(bool(topics) for topics in list(self._connections.values()))

    async def _serve(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        application = web.Application()
        application.router.add_route("*", "/api/admin/{rest:.*}", self._admin)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        http_port = runner.addresses[0][1]
        token_file = self.state_dir / "operator.token"
        self.state_dir.mkdir(parents=True, exist_ok=True)
        token_file.write_text(OPERATOR + "\n", encoding="utf-8")
        async with serve(self._converse, "127.0.0.1", self.port):
            addresses = self.state_dir / "addresses.json"
            addresses.write_text(
                json.dumps(
                    {
                        "pid": os.getpid(),
                        "socket": f"ws://127.0.0.1:{self.port}",
                        "http": f"http://127.0.0.1:{http_port}",
                        "operator_token_file": str(token_file),
                    }
                ),
                encoding="utf-8",
            )
            ready.set()
            await self._stopping.wait()
            addresses.unlink()
        await runner.cleanup()

    async def _converse(self, connection: ServerConnection) -> None:
        self._connections[connection] = set()
        tasks = set()
        try:
            async for text in connection:
                request = json.loads(text)
                self.requests.append(request)
                task = asyncio.create_task(self._answer(connection, request))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
        finally:
            del self._connections[connection]
            for task in tasks:
                task.cancel()

    async def _answer(self, connection: ServerConnection, request: Json) -> None:
        try:
            event = await self._carry_out(connection, request)
        except Refusal as refusal:
            event = events.Error(message=str(refusal), code=refusal.code)
        await connection.send(_frame(event, request.get("request_id")))

    async def _carry_out(self, connection: ServerConnection, request: Json) -> Event:
        match request["type"]:
            case "auth":
                taken = request["token"] in (OPERATOR, ALICE)
                text = "Authenticated successfully" if taken else "Invalid authentication token"
                return events.AuthResult(success=taken, message=text, server="stand-in")
            case "list_sessions":
                listed = [
                    events.SessionStatusReport(**session)
                    for session in self.records.sessions.values()
                    if not request["active_only"] or SessionStatus(session["status"]).live
                ]
                return events.Sessions(sessions=listed)
            case "get_session_status":
                return events.SessionStatusEvent(**self._session(request))
            case "get_cost":
                return self._cost(request)
            case "get_history":
                self._session(request)
                rows = self.records.histories[request["session_id"]][-request["limit"] :]
                messages = [events.HistoryMessage(**row) for row in rows]
                return events.History(session_id=request["session_id"], messages=messages)
            case "subscribe":
                self._connections[connection] |= set(request["topics"])
                return events.Subscribed(topics=request["topics"])
            case "claude_code_connect":
                return self._connect(request)
            case "claude_code_message":
                return await self._message(request)
            case "claude_code_interrupt":
                running = self._interrupts.get(self._session(request)["session_id"])
                if running is not None:
                    running.set()
                return events.ClaudeCodeInterrupted(
                    session_id=request["session_id"],
                    message_id=None if running is None else "m",
                    partial=running is not None,
                    timestamp=rfc3339(now_ms()),
                )
            case "claude_code_disconnect":
                session = self._session(request)
                session["status"] = SessionStatus.DISCONNECTED
                return events.ClaudeCodeDisconnected(
                    session_id=session["session_id"], reason=EndReason.USER, timestamp=rfc3339(now_ms())
                )
            case "resolve_approval":
                if request["approval_id"] not in self.approvals:
                    raise Refusal("approval_closed", "KXQPT was denied before. Nothing was allowed")
                self.approvals[request["approval_id"]] = request["decision"]
                return events.ApprovalResolved(approval_id=request["approval_id"], decision=request["decision"])
            case other:
                raise Refusal("invalid_message", f"type: no such message: {other}")

    def _session(self, request: Json) -> Json:
        session = self.records.sessions.get(request["session_id"])
        if session is None:
            raise Refusal("session_not_found", f"Session not found: {request['session_id']}")
        return session

    def _cost(self, request: Json) -> Event:
        if request.get("user_id") == "nobody":
            raise Refusal("user_not_found", "User not found: nobody")
        rows = [events.CostRow(**row) for row in self.records.costs]
        budgets = [events.CostBudget(**item) for item in self.records.budgets]
        return events.Cost(total_usd=sum(row.cost_usd for row in rows), rows=rows, budgets=budgets or OMIT)

    def _connect(self, request: Json) -> Event:
        session_id = request["session_id"]
        if request["project_path"].startswith("/etc"):
            raise Refusal("project_not_allowed", f"Project not allowed: {request['project_path']}")
        resumed = False
        if session_id not in self.records.sessions:
            self.records.add_session(session_id, request["user_id"], request["project_path"])
        else:
            resumed = not SessionStatus(self.records.sessions[session_id]["status"]).live
            self.records.sessions[session_id]["status"] = SessionStatus.ACTIVE
        return events.ClaudeCodeConnected(session_id=session_id, timestamp=rfc3339(now_ms()), resumed=resumed)

    async def _message(self, request: Json) -> Event:
        session = self._session(request)
        if not SessionStatus(session["status"]).live:
            raise Refusal("session_not_active", f"Session is not active: {session['session_id']}")
        known = self.records.answers.get(request["external_id"])
        if known is not None:
            return known
        text = request["message"]
        self.records.prompts.append(text)
        word, _, rest = text.partition(" ")
        if word == "fail":
            raise Refusal("turn_failed", "Claude Code failed: as asked")
        if word == "hide":
            rest = "\x1b[31mred\x1b[0m \x1b]0;title\x07plain \u202efdp\x08 \ud800."
        response = await self._turn(session["session_id"], text, rest or "done", stream=word not in ("quiet", "hide"))
        self.records.answers[request["external_id"]] = response
        return response

    async def _use_tools(self, session_id: str, message_id: str) -> None:
        called = events.ClaudeCodeTool(
            session_id=session_id,
            message_id=message_id,
            tool_use_id="t",
            name="Bash",
            status="started",
            input={"command": "ls"},
        )
        await self._push(called, f"session:{session_id}")
        failed = replace(called, status="failed", input=OMIT, result="no such file")
        await self._push(failed, f"session:{session_id}")

    async def _turn(self, session_id: str, prompt: str, answer: str, *, stream: bool) -> events.ClaudeCodeResponse:
        topic = f"session:{session_id}"
        message_id = self.records.add_message(session_id, "to_claude", prompt)
        if prompt.startswith("tool"):
            await self._use_tools(session_id, message_id)
        if stream:
            for piece in (answer[:2], answer[2:]):
                await self._push(
                    events.ClaudeCodeDelta(session_id=session_id, message_id=message_id, text=piece), topic
                )
        if prompt.startswith("wait"):
            self._interrupts[session_id] = asyncio.Event()
            try:
                await self._interrupts[session_id].wait()
            finally:
                del self._interrupts[session_id]
            self.records.add_message(session_id, "from_claude", answer, status=TurnState.CANCELLED, reply_to=message_id)
            await self._end(session_id, message_id, TurnState.CANCELLED)
            raise Refusal("turn_failed", "Claude Code failed: interrupted")
        self.records.add_message(session_id, "from_claude", answer, reply_to=message_id)
        session = self.records.sessions[session_id]
        session["message_count"] += 1
        await self._end(session_id, message_id, TurnState.COMPLETED)
        await self._push(events.SessionUpdated(**session), topic)
        await self._push(events.SessionUpdated(**session), "sessions")
        return events.ClaudeCodeResponse(
            session_id=session_id,
            message_id=message_id,
            content=answer,
            cost_usd=0.0123,
            timestamp=rfc3339(now_ms()),
            usage={"input_tokens": 10, "output_tokens": 5},
            duration_ms=1500,
            stop_reason="end_turn",
        )

    async def _end(self, session_id: str, message_id: str, status: TurnState) -> None:
        ended = events.ClaudeCodeEnded(
            session_id=session_id,
            message_id=message_id,
            user_id="alice",
            status=status,
            cost_usd=0.0123,
            duration_ms=1500,
            timestamp=rfc3339(now_ms()),
        )
        await self._push(ended, f"session:{session_id}")

    async def _push(self, event: Event, topic: str) -> None:
        for connection, topics in list(self._connections.items()):
            if topic in topics:
                await connection.send(_frame(event, None))

    async def _admin(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {OPERATOR}":
            return _http_error(401, "not_authenticated", "Not authenticated")
        body: Json = await request.json() if request.can_read_body else {}
        parts = request.match_info["rest"].split("/")
        self.admin_requests.append((request.method, request.match_info["rest"], body))
        match request.method, parts:
            case "GET", ["users"]:
                return web.json_response({"users": list(self.records.users.values())})
            case "PUT", ["users", user_id]:
                kinds = {"sms": body["phones"], "mail": body["emails"]}
                addresses = [{"kind": kind, "value": value} for kind, values in kinds.items() for value in values]
                projects = [{"name": name, "origin": "database"} for name in body["projects"]]
                rest = {"addresses": addresses, "projects": projects}
                self.records.users[user_id] = {"id": user_id, "name": body["name"], "role": body["role"], **rest}
                return web.json_response(self.records.users[user_id])
            case _, ["users", user_id] if user_id not in self.records.users:
                return _http_error(404, "user_not_found", f"User not found: {user_id}")
            case "GET", ["users", user_id]:
                return web.json_response(self.records.users[user_id])
            case "PUT" | "DELETE", ["users", _, "passphrase"]:
                return web.Response(status=204)
            case "DELETE", ["users", user_id]:
                del self.records.users[user_id]
                return web.Response(status=204)
            case "GET", ["dropped", "mail"]:
                return web.json_response({"dropped": self.records.dropped})
            case "POST", ["dropped", "7", "let-in"]:
                return web.json_response({"message_id": "m7"})
            case "POST", ["dropped", _, "let-in"]:
                return _http_error(409, "message_not_kept", "Message 8 cannot be let in: it is not kept")
            case "GET", ["tokens"]:
                return web.json_response({"tokens": list(self.records.tokens.values())})
            case "GET", ["nodes"]:
                return web.json_response({"nodes": NODES, "server": {"waiting": self.records.without_node}})
            case "POST", ["nodes", name, "drain" | "fence"]:
                if all(node["name"] != name for node in NODES):
                    return _http_error(404, "node_not_found", f"Node not found: {name}")
                return web.json_response({"name": name})
            case "POST", ["tokens"]:
                return web.json_response(self._make_token(body), status=201)
            case "DELETE", ["tokens", token_id]:
                if token_id not in self.records.tokens:
                    return _http_error(404, "token_not_found", f"Token not found: {token_id}")
                self.records.tokens[token_id]["revoked_at"] = rfc3339(now_ms())
                return web.Response(status=204)
            case "POST", ["jwt"]:
                return web.json_response({"token": "a.b.c", "expires_at": rfc3339(now_ms() + body["minutes"] * 60_000)})
            case "POST", ["route"]:
                to_claude = "test" in body["text"]
                target, project = ("claude_code", "website") if to_claude else ("assistant", None)
                return web.json_response({"target": target, "reason": "keyword 'test'", "project": project})
            case "POST", ["backup"]:
                await asyncio.to_thread(Path(body["path"]).write_bytes, b"SQLite format 3\0")
                return web.json_response({"path": body["path"]})
            case "POST", ["check"]:
                return web.json_response({"problems": self.records.problems})
            case "GET", ["audit", "verify"]:
                entries = len(self.records.audit)
                return web.json_response({"problem": self.records.tampered, "first": 1, "entries": entries})
            case "GET", ["audit", "entries", after]:
                found = [entry for entry in self.records.audit if entry["seq"] > int(after)]
                return web.json_response({"entries": found[:2]})
            case _:
                return _http_error(404, "not_found", "No such path")

    def _make_token(self, body: Json) -> Json:
        token_id = str(len(self.records.tokens) + 1)
        self.records.tokens[token_id] = {
            "id": token_id,
            "name": body.get("service") or body["user_id"],
            "user_id": body.get("user_id"),
            "created_at": rfc3339(now_ms()),
            "expires_at": None,
            "revoked_at": None,
        }
        return {**self.records.tokens[token_id], "token": f"xsw_secret_{token_id}"}


def _frame(event: Event, request_id: str | None) -> str:
    values = {name: value for name, value in asdict(event).items() if value is not OMIT}
    if isinstance(event, events.Sessions):
        values["sessions"] = [_without_omitted(asdict(session)) for session in event.sessions]
    if isinstance(event, events.History):
        values["messages"] = [_without_omitted(asdict(message)) for message in event.messages]
    if request_id is not None:
        values["request_id"] = request_id
    return json.dumps(values)


def _without_omitted(values: Mapping[str, Any]) -> Json:
    return {name: value for name, value in values.items() if value is not OMIT}


def _http_error(status: int, code: str, text: str) -> web.Response:
    return web.json_response({"error": text, "code": code}, status=status)
