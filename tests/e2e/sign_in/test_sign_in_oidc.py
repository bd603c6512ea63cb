"""People sign in to the whole daemon at another service, which is a process of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import pytest_asyncio

from tests.e2e.process import DaemonProcess
from tests.e2e.provider import ProviderProcess
from tests.e2e.signing_in import HttpBrowser, trail

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

PEOPLE = (
    {"sub": "ada", "email": "ada@example.org", "email_verified": True},
    {"sub": "eve", "email": "ada@example.org", "email_verified": False},
    {"sub": "stranger", "email": "stranger@example.org", "email_verified": True},
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ProviderProcess]:
    """A service that knows ada, somebody who claims her address, and a stranger."""
    async with ProviderProcess(tmp_path_factory.mktemp("provider"), *PEOPLE) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def daemon(provider: ProviderProcess, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DaemonProcess]:
    """A daemon where ada is an administrator; two tables name the service, one of them the id of a user."""
    tables = provider.table("corp", label="Sign in with Corp") + provider.table("ids", user_claim="sub")
    async with DaemonProcess(tmp_path_factory.mktemp("daemon"), config=tables, arguments=("--offline",)) as running:
        added = await running.xswarm("user", "add", "ada", "--role", "ADMIN", "--email", "ada@example.org")
        assert added.code == 0, added
        yield running


async def went(browser: HttpBrowser, name: str = "corp") -> str:
    """Tap the button of a service; return where the browser goes."""
    answer = await browser.post(f"oidc/{name}")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["url"])


async def back(browser: HttpBrowser, url: str) -> httpx.Response:
    """Follow the way back from a service, as our page does."""
    parts = urlsplit(url)
    page = await browser.client.get(url, headers={"Sec-Fetch-Site": "cross-site"})
    assert page.status_code == 200, "our page, by a GET that changes nothing"
    assert "set-cookie" not in page.headers
    return await browser.post(f"oidc/{parts.path.rpartition('/')[2]}/back", dict(parse_qsl(parts.query)))


async def test_the_whole_way(daemon: DaemonProcess, provider: ProviderProcess) -> None:
    async with HttpBrowser(daemon) as browser:
        ways = (await browser.get("/api/auth/ways")).json()
        assert [way["label"] for way in ways["oidc"]] == ["Sign in with Corp", "Sign in with ids"]
        url = await went(browser)
        asked = dict(parse_qsl(urlsplit(url).query))
        assert asked["redirect_uri"] == f"{browser.origin}/sign-in/oidc/corp"
        assert asked["code_challenge_method"] == "S256"
        assert len(asked["nonce"]) == len(asked["code_challenge"]) == 43
        answer = await back(browser, await provider.allow(url, "ada"))
        assert answer.status_code == 200, answer.text
        session = next(one for one in answer.headers.get_list("set-cookie") if "_session_" in one)
        assert "SameSite=Strict" in session
        who = (await browser.get("/api/auth/session")).json()
        assert (who["user_id"], who["session"]["way"]) == ("ada", "oidc")
    ok = (await trail(daemon, "signin.ok"))[-1]
    assert (ok["actor"], ok["detail"]["way"]) == ("ada", "oidc")


async def test_what_a_service_sent_back_counts_once(daemon: DaemonProcess, provider: ProviderProcess) -> None:
    async with HttpBrowser(daemon) as browser, HttpBrowser(daemon) as other:
        url = await provider.allow(await went(browser), "ada")
        assert (await back(other, url)).status_code == 403, "in another browser"
        assert (await back(browser, url)).status_code == 200
        assert (await back(browser, url)).status_code == 403
        assert (await browser.get("/api/auth/session")).status_code == 200, "the session goes on"
    assert (await trail(daemon, "signin.failed"))[-1]["detail"]["why"] == "oidc corp: state"


async def test_only_a_verified_address_of_ours_counts(daemon: DaemonProcess, provider: ProviderProcess) -> None:
    for sub, why in (("eve", "address not verified"), ("stranger", "unknown user")):
        async with HttpBrowser(daemon) as browser:
            answer = await back(browser, await provider.allow(await went(browser), sub))
            assert answer.status_code == 403, sub
            assert "xswarm user add" in answer.json()["remedy"]
            assert (await browser.get("/api/auth/session")).status_code == 401
        assert (await trail(daemon, "signin.failed"))[-1]["detail"]["why"] == f"oidc corp: {why}"
    listed = (await daemon.xswarm("user", "list", "--json")).document
    assert [user["id"] for user in listed] == ["ada"], "nobody becomes a user by it"


async def test_another_claim_names_the_id_of_a_user(daemon: DaemonProcess, provider: ProviderProcess) -> None:
    async with HttpBrowser(daemon) as browser:
        answer = await back(browser, await provider.allow(await went(browser, "ids"), "ada"))
        assert answer.json()["user_id"] == "ada"
        assert (await browser.post("oidc/nowhere")).status_code == 422


async def test_a_service_that_is_down_is_told_so(daemon: DaemonProcess, provider: ProviderProcess) -> None:
    # The last test of this file: the service does not come back.
    async with HttpBrowser(daemon) as browser:
        url = await provider.allow(await went(browser), "ada")
        await provider.stop()
        answer = await back(browser, url)
        assert (answer.status_code, answer.json()["code"]) == (502, "connection_failed")
        assert answer.json()["error"] == '"Sign in with Corp" does not work now: the service cannot be reached'
        assert "passkey" in answer.json()["remedy"]
        assert (await browser.get("/api/auth/session")).status_code == 401
    ended = await daemon.xswarm("audit", "verify")
    assert ended.code == 0, ended
