"""Signed webhooks of text messages over connections that stay open; each is answered after its message is stored."""

from __future__ import annotations

import asyncio
import base64
import hmac
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from benchmarks.bare import TEXT
from benchmarks.clients import Round
from benchmarks.daemon import PUBLIC_URL, running_daemon
from benchmarks.empty_handler import PATH
from benchmarks.figures import Figure, compare, percentile
from benchmarks.process import Watched, started
from benchmarks.texts_sink import texts_sink
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import Address, UserId
from supervisor.protocol.status import Role
from supervisor.store.records.accounts import User

ACCOUNT = "AC" + "a" * 32
TOKEN = "benchmark"
OURS = "+15005550006"
CONNECTIONS = 20
EMPTY = "empty FastAPI handler"

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def measure(folder: Path, short: bool) -> list[Figure]:
    """Send the same requests to the daemon and to the baseline in turn."""
    rounds, seconds = (2, 0.2) if short else (7, 3.0)
    users = [
        User(
            id=UserId(f"user-{number}"),
            name=f"User {number}",
            role=Role.ADMIN,
            addresses=(Address(kind="sms", value=_phone(number)),),
        )
        for number in range(CONNECTIONS)
    ]
    async with texts_sink() as api_url:
        sms = {"account_sid": ACCOUNT, "from_number": OURS, "api_url": api_url}
        async with (
            started("benchmarks.empty_handler") as empty,
            running_daemon(folder, users=users, channels={"sms": sms}, secrets={"TWILIO_AUTH_TOKEN": TOKEN}) as daemon,
        ):
            bare: list[Round] = []
            ours: list[Round] = []
            async with _connections(empty.first_line) as to_bare, _connections(daemon.http_url) as to_ours:
                for number in range(rounds + 1):
                    for results, connections, server in (
                        (bare, to_bare, empty),
                        (ours, to_ours, daemon.process),
                    ):
                        result = await _drive(connections, server, seconds)
                        if number:  # the first round opens sessions, and looks up who is at the other end
                            results.append(result)
    return [
        _figure("webhooks a second", "/s", ours, bare, lambda r: r.per_second, "0.4"),
        _figure("webhooks per CPU second", "/s", ours, bare, lambda r: 1 / r.cpu),
        _figure("webhook: p50", "ms", ours, bare, lambda r: percentile(r.seconds, 50) * 1e3),
        _figure("webhook: p99", "ms", ours, bare, lambda r: percentile(r.seconds, 99) * 1e3),
    ]


def _figure(
    name: str,
    unit: str,
    ours: Sequence[Round],
    bare: Sequence[Round],
    value: Callable[[Round], float],
    reach: str = "",
) -> Figure:
    what = f"{name}, {CONNECTIONS} connections"
    return compare(what, unit, [value(result) for result in ours], EMPTY, [value(result) for result in bare], reach)


@asynccontextmanager
async def _connections(url: str) -> AsyncIterator[list[Connection]]:
    """Keep the connections to a server open while the context is entered."""
    address = urlsplit(url)
    opened = [await asyncio.open_connection(address.hostname, address.port) for _ in range(CONNECTIONS)]
    try:
        yield opened
    finally:
        for _, writer in opened:
            writer.close()


async def _drive(connections: Sequence[Connection], server: Watched, seconds: float) -> Round:
    """Let each connection send the texts of its own user, one after the other."""
    took: list[float] = []
    until = time.perf_counter() + seconds

    async def text(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (began := time.perf_counter()) < until:
            writer.write(_request(_phone(number)))
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(_length(head))
            took.append(time.perf_counter() - began)
            if not head.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(f"not accepted: {head!r}")

    used, began = server.cpu_seconds(), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number, (reader, writer) in enumerate(connections):
            group.create_task(text(number, reader, writer))
    elapsed = time.perf_counter() - began
    return Round(seconds=took, per_second=len(took) / elapsed, cpu=(server.cpu_seconds() - used) / len(took))


def _request(sender: str) -> bytes:
    form = {
        "MessageSid": "SM" + uuid7().replace("-", ""),
        "From": sender,
        "To": OURS,
        "Body": f"claude: {TEXT}",
        "NumMedia": "0",
    }
    body = urlencode(form).encode()
    return (
        f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"X-Twilio-Signature: {_signature(form)}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def _signature(form: Mapping[str, str]) -> str:
    signed = f"{PUBLIC_URL}{PATH}" + "".join(name + value for name, value in sorted(form.items()))
    return base64.b64encode(hmac.digest(TOKEN.encode(), signed.encode(), "sha1")).decode()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def _phone(number: int) -> str:
    return f"+1555200{number:04d}"
