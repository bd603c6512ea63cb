"""A person signs in to the real daemon at another service, which stands on another site, and is in the console then."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.chromium import chromium, open_page
from tests.e2e.process import DaemonProcess
from tests.e2e.provider import ProviderProcess
from tests.e2e.signing_in import trail

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One browser for the file."""
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ProviderProcess]:
    """A service at 127.0.0.1, so that it and the page at localhost are two sites."""
    ada = {"sub": "ada", "email": "ada@example.org", "email_verified": True}
    stranger = {"sub": "stranger", "email": "stranger@example.org", "email_verified": True}
    async with ProviderProcess(tmp_path_factory.mktemp("provider"), ada, stranger) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def daemon(provider: ProviderProcess, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DaemonProcess]:
    """A daemon that knows ada, and that service."""
    table = provider.table("corp", label="Sign in with Corp")
    async with DaemonProcess(tmp_path_factory.mktemp("daemon"), config=table, arguments=("--offline",)) as running:
        added = await running.xswarm("user", "add", "ada", "--role", "ADMIN", "--email", "ada@example.org")
        assert added.code == 0, added
        yield running


def page_of(daemon: DaemonProcess) -> str:
    """Return the URL of our own page, by its name."""
    return str(daemon.addresses["http"]).replace("127.0.0.1", "localhost")


async def test_a_service_on_another_site_signs_in_and_leads_to_the_console(
    daemon: DaemonProcess, provider: ProviderProcess, browser: Browser
) -> None:
    async with open_page(browser, f"{page_of(daemon)}/sign-in") as watched:
        page = watched.page
        button = page.get_by_role("button", name="Sign in with Corp")
        await expect(button).to_be_visible()
        await expect(page.get_by_text("No link can be sent from here.")).to_be_visible()
        watched.forgive("401")
        await watched.assert_accessible()
        watched.assert_clean()
        await button.click()
        await page.wait_for_url(f"{provider.issuer}/oauth2/authorize?**")
        await page.get_by_role("button", name="ada").click()
        await page.wait_for_url(f"{page_of(daemon)}/")
        await expect(page.get_by_role("link", name="Sessions")).to_be_visible()
        who = await page.evaluate("fetch('/api/auth/session').then((answer) => answer.json())")
        assert (who["user_id"], who["session"]["way"]) == ("ada", "oidc")
        cookies = {one["name"]: one for one in await page.context.cookies(page_of(daemon))}
        ((name, kept),) = cookies.items()
        assert "_session_" in name, "that of the way there is forgotten"
        assert (kept["sameSite"], kept["httpOnly"]) == ("Strict", True)
        watched.forgive("401")
        for theirs in (
            "ERR_NAME_NOT_RESOLVED",
            "404",
        ):  # the service has no icon, and wants a style sheet from elsewhere
            watched.forgive(theirs)
        watched.outside = [url for url in watched.outside if "/pico.min.css" not in url]
        watched.assert_clean()
    assert [entry["detail"]["way"] for entry in await trail(daemon, "signin.ok")] == ["oidc"]


async def test_who_is_not_known_here_is_told_so_on_the_sign_in_page(
    daemon: DaemonProcess, provider: ProviderProcess, browser: Browser
) -> None:
    async with open_page(browser, f"{page_of(daemon)}/sign-in") as watched:
        page = watched.page
        await page.get_by_role("button", name="Sign in with Corp").click()
        await page.get_by_role("button", name="stranger").click()
        await expect(page.locator("#told")).to_contain_text("nobody here is known")
        await page.wait_for_url(f"{page_of(daemon)}/sign-in")  # code and state have left the address bar
        await expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_visible()
