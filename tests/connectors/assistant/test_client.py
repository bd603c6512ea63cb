"""Requests and errors are those of the SDK `anthropic`, which is a dependency of the tests only."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import Any

import anthropic
import httpx2
import pytest

from connectors.assistant.client import APIConnectionError, APIStatusError, APITimeoutError, Client
from tests.connectors.raw_server import Handler, raw_server
from tests.packaging.project import ROOT

MESSAGES = [{"role": "user", "content": "hällo\u2028"}]
SAME_HEADERS = ("anthropic-version", "content-type", "authorization")


def client(port: int, **options: Any) -> Client:
    http = httpx2.AsyncClient(trust_env=False, timeout=options.pop("timeout", 30.0))
    return Client(f"http://127.0.0.1:{port}", "token-1", max_retries=options.pop("max_retries", 0), http=http)


def answering(*responses: bytes, requests: list[tuple[bytes, bytes]] | None = None) -> Handler:
    """Answer each connection with the next response."""
    left = list(responses)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        if requests is not None:
            requests.append((head, await reader.readexactly(length)))
        writer.write(left.pop(0))
        await writer.drain()

    return answer


def response(status: int, body: object = None, headers: str = "") -> bytes:
    content = json.dumps(body).encode() if body is not None else b""
    return (
        f"HTTP/1.1 {status} X\r\nContent-Length: {len(content)}\r\nConnection: close\r\n{headers}\r\n".encode()
        + content
    )


async def ask(asked: Client) -> None:
    try:
        async with asked.stream(model="m-1", max_tokens=7, system="be brief", messages=MESSAGES):
            pass
    finally:
        await asked.close()


async def test_a_request_is_the_one_of_the_sdk() -> None:
    requests: list[tuple[bytes, bytes]] = []
    async with raw_server(answering(response(400), response(400), requests=requests)) as port:
        sdk = anthropic.AsyncAnthropic(api_key="token-1", base_url=f"http://127.0.0.1:{port}", max_retries=0)
        with pytest.raises(anthropic.BadRequestError):
            async with sdk.messages.stream(model="m-1", max_tokens=7, system="be brief", messages=MESSAGES):  # type: ignore[arg-type]
                pass
        await sdk.close()
        with pytest.raises(APIStatusError):
            await ask(client(port))
    (sdk_head, sdk_body), (head, body) = requests
    assert json.loads(body) == json.loads(sdk_body)
    assert head.split(b"\r\n")[0] == sdk_head.split(b"\r\n")[0]
    theirs, ours = (
        dict(line.lower().split(b": ", 1) for line in each.split(b"\r\n")[1:-2]) for each in (sdk_head, head)
    )
    for name in SAME_HEADERS:
        assert ours[name.encode()] == theirs[name.encode()], name


async def test_a_refusal_keeps_what_the_api_says() -> None:
    refused = {"type": "error", "error": {"type": "invalid_request_error", "message": "bad system"}}
    for body, kind, said in ((refused, "invalid_request_error", "bad system"), ([1], "", ""), ({"error": 1}, "", "")):
        async with raw_server(answering(response(400, body))) as port:
            with pytest.raises(APIStatusError) as caught:
                await ask(client(port))
        assert (caught.value.status_code, caught.value.type, caught.value.api_message) == (400, kind, said)
        assert "bad system" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "headers", "again"),
    [
        (408, "retry-after-ms: 1\r\n", True),
        (409, "retry-after-ms: 1\r\n", True),
        (429, "retry-after-ms: 1\r\n", True),
        (500, "retry-after-ms: 1\r\n", True),
        (529, "retry-after-ms: 1\r\n", True),
        (400, "retry-after-ms: 1\r\n", False),
        (400, "retry-after-ms: 1\r\nx-should-retry: true\r\n", True),
        (529, "x-should-retry: false\r\n", False),
        (402, "", False),
    ],
)
async def test_what_may_pass_is_tried_again(status: int, headers: str, again: bool) -> None:
    requests: list[tuple[bytes, bytes]] = []
    refused = [response(status, headers=headers), response(401)]
    async with raw_server(answering(*refused, requests=requests)) as port:
        with pytest.raises(APIStatusError) as caught:
            await ask(client(port, max_retries=1))
    assert caught.value.status_code == (401 if again else status)
    assert len(requests) == 1 + again


async def test_whoever_does_not_answer_or_listen_is_told_apart(unused_tcp_port: int) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw_server(silent) as port:
        with pytest.raises(APITimeoutError):
            await ask(client(port, timeout=httpx2.Timeout(30.0, read=0.01)))
    with pytest.raises(APIConnectionError) as caught:
        await ask(client(unused_tcp_port))
    assert not isinstance(caught.value, APITimeoutError)


def test_the_daemon_does_not_import_the_sdk() -> None:
    # It takes half of the start and 40 MiB.
    modules = "supervisor.daemon, connectors.assistant.plugin, connectors.claude_code.plugin, cli.main"
    look = f"import sys, {modules}; sys.exit('anthropic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], cwd=ROOT, check=False).returncode == 0
