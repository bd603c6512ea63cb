"""The demo's user: sends texts and mails through the stand-in servers, and reads the answers there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from supervisor.demo.demo import PHONE
from tests.e2e.process import DaemonProcess
from tests.slowness import scaled
from tests.waiting import until

ANSWER_SECONDS = 60.0
"""Timeout for an answer: the first start of Claude Code takes seconds on a busy machine."""

LOOK_SECONDS = 0.05
"""Between two requests for a page, so that the daemon gets most of the processor."""

TEXT = re.compile(r"^(to|from) (\+[0-9]+) \[(\w+)\]\n", re.MULTILINE)
"""The head of a text on the stand-in's page."""


@dataclass(frozen=True, slots=True)
class TextMessage:
    """A text as the stand-in for Twilio shows it."""

    way: str
    number: str
    status: str
    body: str


class DemoPerson:
    """Uses the stand-ins of a daemon that runs with `--demo`, as the README says. `async with` closes its client."""

    def __init__(self, daemon: DaemonProcess) -> None:
        self._daemon = daemon
        self._client = httpx.AsyncClient(trust_env=False, timeout=scaled(ANSWER_SECONDS))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def send_text(self, body: str, sender: str = PHONE) -> None:
        """Text the daemon; returns once its webhook has answered 200."""
        response = await self.try_text(body, sender)
        assert response.status_code == 200, response.text

    async def try_text(self, body: str, sender: str = PHONE) -> httpx.Response:
        """Text the daemon; return the stand-in's response."""
        return await self._client.post(self._url("the answer", 0), data={"From": sender, "Body": body})

    async def texts(self) -> list[TextMessage]:
        """Return all texts, oldest first."""
        page = (await self._client.get(self._url("the answer", 0))).text.rpartition("\nText +")[0]
        _, *pieces = TEXT.split(page)
        return [
            TextMessage(way, number, status, body.strip("\n"))
            for way, number, status, body in zip(pieces[::4], pieces[1::4], pieces[2::4], pieces[3::4], strict=True)
        ]

    async def answers(self) -> list[str]:
        """Return the bodies of the texts to the user, oldest first."""
        return [text.body for text in await self.texts() if text.way == "to" and text.number == PHONE]

    async def ask(self, body: str) -> str:
        """Text the daemon and return its answer; no other text to the user may be pending."""
        known = len(await self.answers())
        await self.send_text(body)
        return await self.answer_after(known, body)

    async def answer_after(self, known: int, what: str) -> str:
        """Wait until the user has more than `known` texts; return the first new one."""

        async def came() -> bool:
            return len(await self.answers()) > known

        await until(came, f"an answer to {what!r}", timeout=ANSWER_SECONDS, interval=LOOK_SECONDS)
        return (await self.answers())[known]

    async def send_mail(self, subject: str, body: str) -> str:
        """Mail the daemon; return what its LMTP server answered."""
        form = {"Subject": subject, "Body": body}
        return (await self._client.post(self._url("the answer", 1), data=form)).text.partition("\n")[0]

    async def mails(self) -> list[str]:
        """Return the mails to the user, oldest first, each as the stand-in's page shows it."""
        page = (await self._client.get(self._url("the answer", 1))).text.rpartition("\nWrite to ")[0]
        return [] if page.startswith("No mails yet") else page.split("\n---\n")

    async def ask_by_mail(self, subject: str, body: str) -> str:
        """Mail the daemon and return the mail that answers."""
        known = len(await self.mails())
        assert (await self.send_mail(subject, body)).startswith("250 ")

        async def came() -> bool:
            return len(await self.mails()) > known

        await until(came, f"a mail that answers {subject!r}", timeout=ANSWER_SECONDS, interval=LOOK_SECONDS)
        return (await self.mails())[known]

    async def get(self, path: str) -> httpx.Response:
        """Ask the daemon's HTTP server with the operator's token."""
        headers = {"Authorization": f"Bearer {self._daemon.token}"}
        return await self._client.get(self._daemon.addresses["http"] + path, headers=headers)

    async def post(self, path: str, body: dict[str, Any], token: str) -> httpx.Response:
        """Post to the daemon's HTTP server."""
        headers = {"Authorization": f"Bearer {token}"}
        return await self._client.post(self._daemon.addresses["http"] + path, headers=headers, json=body)

    def _url(self, label: str, number: int) -> str:
        """Return the URL with this label in the daemon's start message."""
        found = re.findall(rf"^  {label} +curl (\S+)$", self._daemon.said, re.MULTILINE)
        return str(found[number])
