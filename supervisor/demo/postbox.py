"""A web page on loopback on which the user of the demo reads and writes mail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from email.utils import make_msgid
from typing import Self

from aiohttp import web

from supervisor.demo.mailbox import MailboxStandIn, deliver


class Postbox:
    """Serves `GET /`, which lists the mails, and `POST /` with `Subject` and `Body`, which sends a mail to xswarm.

    Args:
        mailbox: receives the mail of xswarm.
        person: the mail address of the user.
        ours: the mail address of xswarm.
        authserv_id: the server of the DMARC pass in Authentication-Results.
        lmtp: returns the LMTP address of xswarm; it waits until xswarm is ready.
        port: 0 = a free port.
    """

    def __init__(
        self,
        mailbox: MailboxStandIn,
        *,
        person: str,
        ours: str,
        authserv_id: str,
        lmtp: Callable[[], Awaitable[str]],
        port: int,
    ) -> None:
        self._mailbox = mailbox
        self._person = person
        self._ours = ours
        self._authserv_id = authserv_id
        self._lmtp = lmtp
        self._port = port
        application = web.Application()
        application.add_routes([web.get("/", self._show), web.post("/", self._write)])
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)

    @property
    def url(self) -> str:
        """The URL of the page, without a trailing slash."""
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._runner.cleanup()

    async def _show(self, request: web.Request) -> web.Response:
        mails = [
            f"to {', '.join(mail.envelope_to)}: {mail.message['Subject']}\n\n{mail.text}\n"
            for mail in self._mailbox.messages
        ]
        text = "\n---\n".join(mails) or "No mails yet.\n"
        hint = f"\nWrite to {self._ours}:  curl -d Subject=Hello --data-urlencode Body='your text' {self.url}/\n"
        return web.Response(text=text + hint)

    async def _write(self, request: web.Request) -> web.Response:
        if "Origin" in request.headers:
            raise web.HTTPForbidden(text="only programs on this machine may use this\n")
        form = await request.post()
        try:
            answer = await deliver(
                await self._lmtp(),
                from_=self._person,
                to=self._ours,
                subject=str(form.get("Subject", "")),
                body=str(form.get("Body", "")),
                authserv_id=self._authserv_id,
                headers={"Message-ID": make_msgid(domain=self._person.partition("@")[2])},
            )
        except OSError as error:
            raise web.HTTPBadGateway(text=f"xswarm did not accept the mail: {error}\n") from None
        return web.Response(text=f"{answer}\nThe answer will be on this page: curl {self.url}/\n")
