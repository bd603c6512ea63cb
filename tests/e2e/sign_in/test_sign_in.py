"""People sign in to the whole daemon with a link from the terminal: once, in time, and for pages of our own only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import httpx
import pytest
import pytest_asyncio
import websockets

from tests.e2e.process import DaemonProcess
from tests.e2e.signing_in import HttpBrowser, link_for, trail
from tests.slowness import scaled

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

FOREIGN = "http://localhost:3000"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def daemon(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DaemonProcess]:
    """A daemon with an administrator, which allows a foreign page to come with tokens."""
    running = DaemonProcess(
        tmp_path_factory.mktemp("daemon"),
        supervisor=f'port = 0\nallowed_origins = ["{FOREIGN}"]',
        arguments=("--offline",),
    )
    async with running:
        added = await running.xswarm("user", "add", "ada", "--role", "ADMIN", "--name", "Ada")
        assert added.code == 0, added
        yield running


@pytest.mark.requirement(31)
async def test_a_link_signs_in_once_and_is_in_the_trail(daemon: DaemonProcess) -> None:
    link = await link_for(daemon, "ada")
    assert link.startswith("http://localhost:")
    async with HttpBrowser(daemon) as browser, HttpBrowser(daemon) as other:
        page = link.partition("#")[0]
        assert (await browser.client.get(page)).status_code == 200  # a scanner of mails, which changes nothing
        answer = await browser.sign_in(link)
        assert answer.status_code == 200, answer.text
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"xswarm_session_{httpx.URL(browser.origin).port}=")
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert (await other.sign_in(link)).status_code == 403
        who = (await browser.get("/api/auth/session")).json()
        assert (who["user_id"], who["session"]["way"]) == ("ada", "terminal")
        assert (await browser.get("/api/costs")).status_code == 200
        ok = (await trail(daemon, "signin.ok"))[-1]
        assert (ok["actor"], ok["detail"]["session"]) == ("ada", who["session"]["id"])
        assert (await trail(daemon, "signin.failed"))[-1]["detail"]["why"] == "used"


@pytest.mark.requirement(37)
async def test_a_cookie_counts_for_pages_of_our_own_only(daemon: DaemonProcess) -> None:
    async with HttpBrowser(daemon) as browser:
        await browser.sign_in(await link_for(daemon, "ada"))
        for origin in (FOREIGN, browser.origin + "0", browser.origin.replace("http", "https"), "null"):
            assert (await browser.get("/api/costs", origin=origin)).status_code == 401, origin
            assert (await browser.post("sign-out", origin=origin)).status_code in (401, 403), origin
        # A <script> or <img> of a page on another port: no Origin, and the browser says where it stands.
        same_site = await browser.client.get("/api/costs", headers={"Sec-Fetch-Site": "same-site"})
        assert same_site.status_code == 401
        assert (await browser.client.get("/api/costs")).status_code == 401
        own = await browser.client.get("/api/costs", headers={"Sec-Fetch-Site": "same-origin"})
        assert own.status_code == 200
        # An HTML form cannot send JSON.
        form = await browser.client.post(
            "/api/claude-code/route-conversation",
            content='{"from": "ada", "message": "x", "channel": "sms"}',
            headers={"Origin": browser.origin, "Content-Type": "text/plain"},
        )
        assert form.status_code == 401


async def test_the_chat_takes_the_cookie_until_the_session_ends(daemon: DaemonProcess) -> None:
    async with HttpBrowser(daemon) as browser:
        await browser.sign_in(await link_for(daemon, "ada"))
        cookie = "; ".join(f"{name}={value}" for name, value in browser.client.cookies.items())
        url = browser.origin.replace("http", "ws") + "/api/claude-chat/ws"
        chat_from = partial(
            websockets.connect, url, additional_headers={"Cookie": cookie}, proxy=None, open_timeout=scaled(30.0)
        )
        async with chat_from(origin=FOREIGN) as foreign:  # type: ignore[arg-type]
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await foreign.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4001
        async with chat_from(origin=browser.origin) as chat:  # type: ignore[arg-type]
            assert '"connected"' in str(await chat.recv())
            assert (await browser.post("sign-out")).status_code == 204
            await chat.wait_closed()
            assert chat.close_code == 4001
        assert (await browser.get("/api/costs")).status_code == 401
        assert (await trail(daemon, "signin.ended"))[-1]["detail"]["why"] == "signed_out"


async def test_own_sessions_are_listed_and_ended(daemon: DaemonProcess) -> None:
    async with HttpBrowser(daemon) as phone, HttpBrowser(daemon) as desk:
        first = (await phone.sign_in(await link_for(daemon, "ada"))).json()["id"]
        await desk.sign_in(await link_for(daemon, "ada"))
        listed = (await desk.get("/api/auth/sessions")).json()["sessions"]
        assert first in [one["id"] for one in listed]
        assert [one["current"] for one in listed if one["id"] != first][-1]
        ended = await desk.client.delete(f"/api/auth/sessions/{first}", headers={"Origin": desk.origin})
        assert ended.status_code == 204
        assert (await phone.get("/api/auth/session")).status_code == 401
        assert (await desk.get("/api/auth/session")).status_code == 200
