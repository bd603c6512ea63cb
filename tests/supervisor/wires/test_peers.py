"""Whoever descends from an agent is known by the socket that it holds, whatever its token."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from supervisor import config
from supervisor.protocol.conversation import PROCESS_MARK
from supervisor.protocol.errors import NotAllowed
from supervisor.protocol.ports.web import WebRequest, WebResponse
from supervisor.wires.peers import Peer
from tests.descriptors import no_free_descriptor
from tests.supervisor.cluster.nodes import FakeNodes, node
from tests.supervisor.harness import ALICE_MAIL, ALICE_PHONE, OPERATOR, SERVICE
from tests.supervisor.wires.http.hook_channel import PATH, HookChannel
from tests.supervisor.wires.http.serving import ROUTE, Served
from tests.supervisor.wires.socket.socket_serving import Listening

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells it on Linux alone")

ASK = """
import http.client, json, sys
port, token, method, path, body, more = sys.argv[1:]
connection = http.client.HTTPConnection("127.0.0.1", int(port))
headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **json.loads(more)}
connection.request(method, path, body or None, headers)
print(connection.getresponse().read().decode() or "{}")
"""

SAY = """
import asyncio, json, sys, websockets
async def say(url, token, frame):
    async with websockets.connect(url, proxy=None) as socket:
        await socket.send(json.dumps({"type": "auth", "token": token}))
        await socket.recv()
        await socket.send(frame)
        print(await socket.recv())
asyncio.run(asyncio.wait_for(say(*sys.argv[1:]), 20))
"""


async def run(*child: str, **environment: str) -> dict[str, object]:
    """Run a child of a process with this environment; return the JSON that it prints."""
    # The mark stands in the parent alone: an agent can start a child without it.
    parent = f"import subprocess, sys; sys.exit(subprocess.run({child!r}, env={{}}).returncode)"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", parent), env={**os.environ, **environment}, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    found = json.loads(output)
    assert isinstance(found, dict)
    return found


async def ask(
    served: Served,
    method: str,
    path: str,
    body: str = "",
    *,
    token: str = SERVICE,
    headers: str = "{}",
    **environment: str,
) -> object:
    """Send a request from a child of a process with this environment; return the code of the answer, if it has one."""
    port = served.server.url.rpartition(":")[2]
    return (await run(sys.executable, "-c", ASK, port, token, method, path, body, headers, **environment)).get("code")


async def test_a_child_of_an_agent_decides_nothing(tmp_path: Path) -> None:
    answer = ("POST", "/api/approvals/KXQPT", '{"decision": "allow"}')
    async with Served(tmp_path) as served:
        assert await ask(served, *answer, **{PROCESS_MARK: "one"}) == "not_allowed"
        assert await ask(served, *answer) == "approval_not_found"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/approvals", ""),
        ("PUT", "/api/admin/users/alice/passphrase", '{"passphrase": "correct horse battery staple"}'),
        ("POST", "/api/admin/tokens", '{"user_id": "alice"}'),
        ("POST", ROUTE, '{"from": "alice", "message": "YES KXQPT", "channel": "web"}'),
    ],
)
async def test_a_child_of_an_agent_neither_lists_questions_nor_becomes_who_may_answer(
    tmp_path: Path, method: str, path: str, body: str
) -> None:
    async with Served(tmp_path) as served:
        assert await ask(served, method, path, body, token=OPERATOR, **{PROCESS_MARK: "one"}) == "not_allowed"
        assert await ask(served, method, path, body, token=OPERATOR) != "not_allowed"


async def test_a_header_of_a_proxy_hides_no_agent(tmp_path: Path) -> None:
    answer = ("POST", "/api/approvals/KXQPT", '{"decision": "allow"}')
    async with Served(tmp_path, http=config.Http(port=0, trusted_proxies=("127.0.0.1",))) as served:
        far, near = ('{"X-Forwarded-For": "203.0.113.7"}', '{"X-Forwarded-For": "127.0.0.1"}')
        assert await ask(served, *answer, headers=far) == "approval_not_found", "it comes by a proxy that is trusted"
        assert await ask(served, *answer, headers=far, **{PROCESS_MARK: "one"}) == "not_allowed"
        assert await ask(served, *answer, headers=near) == "not_allowed", "what is behind the proxy cannot be looked at"


async def test_a_webhook_can_tell_an_agent(tmp_path: Path) -> None:
    told: list[bool] = []

    class Asking(HookChannel):
        async def _take(self, request: WebRequest) -> WebResponse:
            told.append(await request.from_agent())
            return WebResponse(status=200, body=b"{}")

    async with Served(tmp_path, channels=[Asking()]) as served:
        await ask(served, "POST", PATH, "x")
        await ask(served, "POST", PATH, "x", **{PROCESS_MARK: "one"})
    assert told == [False, True]


async def test_a_connection_is_looked_up_once(tmp_path: Path) -> None:
    told: list[bool] = []

    class Asking(HookChannel):
        async def _take(self, request: WebRequest) -> WebResponse:
            told.append(await request.from_agent())
            return WebResponse(status=200, body=b"{}")

    async with Served(tmp_path, channels=[Asking()]) as served:
        await served.service.post(PATH)
        with no_free_descriptor():
            await served.service.post(PATH)  # nothing is read of /proc
    assert told == [False, False]


async def test_each_client_of_a_proxy_is_looked_up_once(tmp_path: Path) -> None:
    class Asking(HookChannel):
        async def _take(self, request: WebRequest) -> WebResponse:
            return WebResponse(status=403 if await request.from_agent() else 200)

    async with Served(
        tmp_path, http=config.Http(port=0, trusted_proxies=("127.0.0.1",)), channels=[Asking()]
    ) as served:

        async def status(client: str) -> int:
            return (await served.service.post(PATH, headers={"X-Forwarded-For": client})).status_code

        assert await status("203.0.113.7") == 200
        with no_free_descriptor():
            assert await status("203.0.113.7") == 200
            assert await status("203.0.113.8") == 503
        assert await status("127.0.0.1") == 403


async def sees_another_node(served: Served, *addresses: str) -> None:
    """Let the node look, and see another one on a machine with some addresses."""
    cluster = served.core.elsewhere.cluster
    cluster._store = FakeNodes(cluster.epoch, replace(node(99), addresses=addresses))
    await cluster.look()


async def test_a_webhook_by_the_machine_of_another_node_is_put_off_and_the_log_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[bool] = []

    class Asking(HookChannel):
        async def _take(self, request: WebRequest) -> WebResponse:
            told.append(await request.from_agent())
            return WebResponse(status=200)

    proxied = config.Http(port=0, trusted_proxies=("127.0.0.1",))
    async with Served(tmp_path, http=proxied, channels=[Asking()]) as served:
        await sees_another_node(served, "203.0.113.7")
        put_off = await served.service.post(PATH, headers={"X-Forwarded-For": "203.0.113.7"})
        assert (await served.service.post(PATH, headers={"X-Forwarded-For": "203.0.113.8"})).status_code == 200
    assert (put_off.status_code, told) == (503, [False])
    assert f"{PATH} was answered with 503: it comes from the machine of another node" in caplog.text
    assert "http.trusted_proxies" in caplog.text


async def test_while_no_file_is_free_a_webhook_is_put_off_and_nobody_decides(tmp_path: Path) -> None:
    class Asking(HookChannel):
        async def _take(self, request: WebRequest) -> WebResponse:
            return WebResponse(status=403 if await request.from_agent() else 200)

    async with Served(tmp_path, channels=[Asking()]) as served:
        assert (await served.service.get("/api/users/alice")).status_code == 404, "the connection is open"
        with no_free_descriptor():
            put_off = await served.service.post(PATH)
            refused = await served.service.post("/api/approvals/KXQPT", json={"decision": "allow"})
        assert (put_off.status_code, put_off.headers["Retry-After"]) == (503, "5")
        assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
        assert "Too many open files" in refused.json()["error"]
        assert (await served.service.post(PATH)).status_code == 200
        assert (await served.service.post("/api/approvals/KXQPT", json={"decision": "allow"})).status_code == 404


async def test_while_no_file_is_free_nobody_decides_by_the_socket(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client(SERVICE)
        answer = {"approval_id": "KXQPT", "decision": "allow"}
        with no_free_descriptor():
            assert (await client.ask("resolve_approval", **answer))["code"] == "not_allowed"
        assert (await client.ask("resolve_approval", **answer))["code"] == "approval_not_found"


@pytest.mark.parametrize(
    "event",
    [
        {"type": "sms_received", "from": ALICE_PHONE, "to": "+15559999", "message": "YES KXQPT", "user": "alice"},
        {
            "type": "email_received",
            "from": ALICE_MAIL,
            "to": "x@example.org",
            "subject": "Re",
            "body": "no kxqpt.",
            "user": "alice",
        },
        {"type": "message", "message": "YES KXQPT", "user_id": "alice"},
        {"type": "resolve_approval", "approval_id": "KXQPT", "decision": "allow"},
    ],
)
async def test_a_child_of_an_agent_answers_in_nobodys_name_by_the_socket(tmp_path: Path, event: dict[str, str]) -> None:
    async with Listening(tmp_path) as listening:
        child = (sys.executable, "-c", SAY, listening.server.url, SERVICE, json.dumps(event))
        assert (await run(*child, **{PROCESS_MARK: "one"}))["code"] == "not_allowed"
        assert (await run(*child)).get("code") != "not_allowed"


async def test_a_connection_of_our_own_is_no_agents(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        ours = server.sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(*ours)
        await Peer(writer.get_extra_info("sockname"), writer.get_extra_info("peername")).refuse_agent()
        writer.close()
        await reader.read()
    assert issubclass(NotAllowed, Exception)


async def test_the_machine_of_another_node_decides_nothing(tmp_path: Path) -> None:
    there, ours = ("203.0.113.7", 40000), ("203.0.113.99", 1)
    proxied = config.Http(port=0, trusted_proxies=("127.0.0.1",))
    async with Served(tmp_path, http=proxied) as served:

        async def refusal(client: str) -> tuple[int, str]:
            answer = await served.service.post(
                "/api/approvals/KXQPT", json={"decision": "allow"}, headers={"X-Forwarded-For": client}
            )
            return answer.status_code, answer.json()["error"]

        assert (await refusal("203.0.113.7"))[0] == 404
        await sees_another_node(served, "203.0.113.7", "fd00::7")
        status, why = await refusal("203.0.113.7")
        assert (status, "from the machine of another node" in why) == (403, True)
        assert (await refusal("FD00:0:0::7"))[0] == 403
        assert (await refusal("203.0.113.8"))[0] == 404
        nodes = served.core.api.nodes
        with pytest.raises(NotAllowed, match="from the machine of another node"):
            await Peer(there, ours).refuse_agent(nodes)
        await Peer(("203.0.113.8", 40000), ours).refuse_agent(nodes)


async def test_what_tells_nothing_is_left_to_the_token() -> None:
    await Peer(None, ("127.0.0.1", 1)).refuse_agent()
    await Peer("/a/unix.sock", "/a/unix.sock").refuse_agent()
