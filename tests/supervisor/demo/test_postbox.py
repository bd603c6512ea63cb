"""The web page on which the user of the demo reads and writes mail."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes
from pathlib import Path
from typing import Any

import aiosmtplib
import httpx
import pytest

from supervisor.demo.mailbox import MailboxStandIn
from supervisor.demo.postbox import Postbox
from tests.slowness import scaled

PERSON, OURS = "demo@example.test", "xswarm@example.test"


@asynccontextmanager
async def postbox(where: Callable[[], str], port: int = 0) -> AsyncIterator[tuple[Postbox, MailboxStandIn]]:
    async def lmtp() -> str:
        return where()

    async with (
        MailboxStandIn() as mailbox,
        Postbox(mailbox, person=PERSON, ours=OURS, authserv_id="mx.example.test", lmtp=lmtp, port=port) as box,
    ):
        yield box, mailbox


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=scaled(10.0)) as client:
        yield client


async def test_the_page_shows_the_mails_that_were_sent(client: httpx.AsyncClient) -> None:
    async with postbox(lambda: "") as (box, mailbox):
        assert "No mails yet." in (await client.get(box.url)).text
        mail = f"From: {OURS}\r\nTo: {PERSON}\r\nSubject: Re: Notes\r\n\r\nDone.\r\n"
        where: dict[str, Any] = {"hostname": mailbox.host, "port": mailbox.port, "local_hostname": "localhost"}
        await aiosmtplib.send(mail, sender=OURS, recipients=[PERSON], **where)
        page = (await client.get(box.url)).text
    assert page.startswith(f"to {PERSON}: Re: Notes\n\nDone.\n")
    assert f"curl -d Subject=Hello --data-urlencode Body='your text' {box.url}/" in page


async def test_what_is_posted_reaches_xswarm_as_a_proven_mail_of_the_person(client: httpx.AsyncClient) -> None:
    taken: list[bytes] = []

    async def lmtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while not (line := await reader.readline()).startswith(b"DATA"):
            taken.append(line)
            writer.write(b"250 OK\r\n")
        writer.write(b"354 go on\r\n")
        taken.append(await reader.readuntil(b"\r\n.\r\n"))
        writer.write(b"250 2.0.0 OK\r\n")
        writer.close()

    async with await asyncio.start_server(lmtp, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        async with postbox(lambda: f"{host}:{port}") as (box, _):
            answered = await client.post(box.url, data={"Subject": "Notes", "Body": "claude: hello"})
    assert answered.text.startswith("250 2.0.0 OK\n")
    assert taken[1:3] == [f"MAIL FROM:<{PERSON}>\r\n".encode(), f"RCPT TO:<{OURS}>\r\n".encode()]
    mail = message_from_bytes(taken[-1])
    assert mail["Authentication-Results"] == "mx.example.test; dmarc=pass header.from=example.test"
    assert (mail["From"], mail["Subject"]) == (PERSON, "Notes")
    assert "claude: hello" in str(mail.get_payload())


async def test_an_unreachable_lmtp_server_is_reported_in_a_sentence(client: httpx.AsyncClient, tmp_path: Path) -> None:
    async with postbox(lambda: str(tmp_path / "nobody.sock")) as (box, _):
        answered = await client.post(box.url, data={"Subject": "Notes", "Body": "hello"})
    assert answered.status_code == 502
    assert answered.text.startswith("xswarm did not accept the mail: ")


async def test_a_browser_may_not_write(client: httpx.AsyncClient) -> None:
    async with postbox(lambda: "") as (box, _):
        answered = await client.post(box.url, data={"Body": "x"}, headers={"Origin": "https://evil.example"})
    assert answered.status_code == 403


async def test_a_port_in_use_is_an_error_and_nothing_is_left_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        async with postbox(lambda: "", port=taken.getsockname()[1]):
            raise AssertionError("it cannot listen")
