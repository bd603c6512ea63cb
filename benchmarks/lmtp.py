"""Mails by LMTP, each over a connection of its own; each is answered after its message is stored."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from email.utils import formatdate
from pathlib import Path

from benchmarks.bare import TEXT
from benchmarks.clients import Round
from benchmarks.daemon import running_daemon
from benchmarks.figures import Figure, compare, percentile
from benchmarks.process import Watched, started
from supervisor.demo.mailbox import MailboxStandIn
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import Address, UserId
from supervisor.protocol.status import Role
from supervisor.store.records.accounts import User
from tests.ports import free_port

US = "xswarm@bench.test"
AUTHSERV = "mx.bench.test"
SENDERS = 10
BARE = "bare aiosmtpd"


async def measure(folder: Path, short: bool) -> list[Figure]:
    """Deliver the same mails to the daemon and to the baseline in turn."""
    rounds, seconds = (2, 0.3) if short else (7, 3.0)
    users = [
        User(
            id=UserId(f"user-{number}"),
            name=f"User {number}",
            role=Role.ADMIN,
            addresses=(Address(kind="mail", value=_sender(number)),),
        )
        for number in range(SENDERS)
    ]
    port = free_port()
    async with MailboxStandIn() as mailbox:
        mail = {
            "address": US,
            "trusted_authserv_id": AUTHSERV,
            "smtp": {"host": mailbox.host, "port": mailbox.port, "tls": "none"},
            "lmtp": {"host": "127.0.0.1", "port": port},
        }
        async with (
            started("benchmarks.empty_mailbox") as empty,
            running_daemon(folder, users=users, channels={"mail": mail}) as daemon,
        ):
            bare: list[Round] = []
            ours: list[Round] = []
            for number in range(rounds + 1):
                for results, target, server in (
                    (bare, int(empty.first_line), empty),
                    (ours, port, daemon.process),
                ):
                    result = await _drive(target, server, seconds)
                    if number:  # the first round opens files and sessions
                        results.append(result)
    return [
        _figure("mails a second", "/s", ours, bare, lambda r: r.per_second),
        _figure("mails per CPU second", "/s", ours, bare, lambda r: 1 / r.cpu),
        _figure("mail: p50", "ms", ours, bare, lambda r: percentile(r.seconds, 50) * 1e3),
    ]


def _figure(
    name: str, unit: str, ours: Sequence[Round], bare: Sequence[Round], value: Callable[[Round], float]
) -> Figure:
    what = f"{name}, {SENDERS} at a time"
    return compare(what, unit, [value(result) for result in ours], BARE, [value(result) for result in bare])


async def _drive(port: int, server: Watched, seconds: float) -> Round:
    took: list[float] = []
    until = time.perf_counter() + seconds

    async def send(number: int) -> None:
        while (began := time.perf_counter()) < until:
            await _deliver(port, _sender(number))
            took.append(time.perf_counter() - began)

    used, began = server.cpu_seconds(), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(SENDERS):
            group.create_task(send(number))
    elapsed = time.perf_counter() - began
    return Round(seconds=took, per_second=len(took) / elapsed, cpu=(server.cpu_seconds() - used) / len(took))


async def _deliver(port: int, sender: str) -> None:
    """Deliver one mail.

    Raises:
        RuntimeError: it was not accepted.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        await _answer(reader)
        for command in ("LHLO bench.test", f"MAIL FROM:<{sender}>", f"RCPT TO:<{US}>", "DATA"):
            writer.write(f"{command}\r\n".encode())
            await _answer(reader)
        writer.write(_mail(sender) + b".\r\n")
        said = await _answer(reader)
        if not said.startswith(b"250"):
            raise RuntimeError(f"not accepted: {said!r}")
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> bytes:
    while (line := await reader.readline())[3:4] == b"-":
        pass
    if line[:1] not in (b"2", b"3"):
        raise RuntimeError(f"not accepted: {line!r}")
    return line


def _mail(sender: str) -> bytes:
    proof = f"{AUTHSERV}; dmarc=pass header.from=bench.test; spf=pass smtp.mailfrom={sender}"
    headers = {
        "Authentication-Round": proof,
        "From": sender,
        "To": US,
        "Date": formatdate(),
        "Subject": "bench",
        "Message-ID": f"<{uuid7()}@bench.test>",
    }
    lines = [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", f"claude: {TEXT}", ""]).encode()


def _sender(number: int) -> str:
    return f"user-{number}@bench.test"
