"""Messages to the demo that arrive before it is ready are held back and then answered."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from supervisor.demo.demo import PHONE
from tests.e2e.process import DaemonProcess
from tests.ports import free_ports
from tests.slowness import scaled
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process]


async def test_what_is_sent_while_the_demo_starts_is_taken_once_it_is_ready(tmp_path: Path) -> None:
    port = free_ports(3)  # for HTTP, texts and mails
    texts, mails = (f"http://127.0.0.1:{port + number}/" for number in (1, 2))
    daemon = DaemonProcess(tmp_path, http=f"port = {port}")
    async with httpx.AsyncClient(trust_env=False, timeout=scaled(60.0)) as client:

        async def listens() -> bool:
            try:
                return (await client.get(mails)).status_code == 200 and (await client.get(texts)).status_code == 200
            except httpx.TransportError:
                return False

        starting = asyncio.create_task(daemon.start())
        try:
            await until(listens, "the stand-ins listen", 60)
            text, mail = await asyncio.gather(
                client.post(texts, data={"From": PHONE, "Body": "assistant: hello"}),
                client.post(mails, data={"Subject": "Hello", "Body": "assistant: hello"}),
            )
            await starting
            assert (text.status_code, text.text) == (200, "the webhook answered 200\n")
            assert (mail.status_code, mail.text[:4]) == (200, "250 ")
            for page in (texts, mails):

                async def answered(page: str = page) -> bool:
                    return "(offline model)" in (await client.get(page)).text

                await until(answered, f"the answer is on {page}", 60)
        finally:
            await asyncio.gather(starting, return_exceptions=True)
            await daemon.stop()
