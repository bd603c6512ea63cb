"""A person signs in to the real daemon with a link, adds a passkey, and signs in with it (a virtual authenticator)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.chromium import chromium, open_page
from tests.e2e.process import DaemonProcess
from tests.e2e.signing_in import link_for, trail
from tests.slowness import scaled

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One browser for the file."""
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def daemon(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DaemonProcess]:
    """A daemon with two administrators."""
    async with DaemonProcess(tmp_path_factory.mktemp("daemon"), arguments=("--offline",)) as running:
        for name in ("ada", "bob"):
            added = await running.xswarm("user", "add", name, "--role", "ADMIN", "--name", name.capitalize())
            assert added.code == 0, added
        yield running


async def add_authenticator(page: Page, *, verified: bool = True) -> tuple[Any, str]:
    """Give a page an authenticator that keeps passkeys; return its CDP session and its id."""
    cdp = await page.context.new_cdp_session(page)
    await cdp.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": verified,
        "automaticPresenceSimulation": True,
    }
    made = await cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return cdp, str(made["authenticatorId"])


async def add_passkey(page: Page) -> None:
    """Add a passkey on the page of sign-in, where somebody is signed in."""
    await page.get_by_role("button", name="Add a passkey").click()
    await expect(page.locator("#told")).to_have_text("The passkey is added.")


async def enter_with_passkey(page: Page) -> None:
    """Sign in on the page of a link, add a passkey, and open the console."""
    await add_authenticator(page)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await add_passkey(page)
    await page.get_by_role("link", name="Open the console").click()


async def sign_in_by_link(page: Page, link: str) -> None:
    """Open a link and tap."""
    await page.goto(link)
    await expect(page.locator("#told")).to_have_text("Tap to sign in with this link.")
    await expect(page).not_to_have_url(re.compile("#"))  # the secret leaves the address bar
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page.locator("#told")).to_contain_text("is signed in.")


async def test_link_passkey_out_and_in_again(daemon: DaemonProcess, browser: Browser) -> None:
    link = await link_for(daemon, "ada")
    async with open_page(browser, link) as watched:
        page = watched.page
        cdp, authenticator = await add_authenticator(page)
        await sign_in_by_link(page, link)
        await add_passkey(page)
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_visible()
        watched.forgive("401")
        await page.get_by_role("button", name="Sign in with a passkey").click()
        await expect(page.locator("#told")).to_have_text("Ada is signed in.")
        await watched.assert_accessible()
        watched.assert_clean()
        kept = (await cdp.send("WebAuthn.getCredentials", {"authenticatorId": authenticator}))["credentials"]
        assert [(one["rpId"], one["isResidentCredential"]) for one in kept] == [("localhost", True)]
    assert [entry["detail"]["way"] for entry in await trail(daemon, "signin.ok")] == ["terminal", "passkey"]
    assert (await trail(daemon, "passkey.added"))[-1]["actor"] == "ada"
    verified = await daemon.xswarm("audit", "verify")
    assert verified.code == 0, verified


async def test_a_link_of_yesterday_is_told_so(daemon: DaemonProcess, browser: Browser) -> None:
    link = await link_for(daemon, "ada")
    async with open_page(browser, link) as first, open_page(browser, link) as second:
        await sign_in_by_link(first.page, link)
        await second.page.get_by_role("button", name="Sign in", exact=True).click()
        await expect(second.page.locator("#told")).to_contain_text("this link does not count")


ASSERTED = """async ([path, purpose]) => {
    const post = async (where, body) => (await fetch(`/api/auth/${where}`, {
        method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body),
    }));
    const {options} = await (await post("passkey/options", {})).json();
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
    const credential = (await navigator.credentials.get({publicKey})).toJSON();
    const answers = [];
    for (let i = 0; i < 2; i++) answers.push((await post("passkey", {credential})).status);
    return answers;
}"""


async def test_an_assertion_counts_once_and_only_with_a_verified_user(daemon: DaemonProcess, browser: Browser) -> None:
    link = await link_for(daemon, "bob")
    async with open_page(browser, link) as watched:
        page = watched.page
        await add_authenticator(page)
        await sign_in_by_link(page, link)
        await add_passkey(page)
        assert await page.evaluate(ASSERTED, ["", ""]) == [200, 403]
        listed = await page.evaluate("fetch('/api/auth/passkeys').then((answer) => answer.json())")
        (passkey,) = listed["passkeys"]
        assert passkey["counts_as"] == "passkey"
        removed = await page.evaluate(
            f"fetch('/api/auth/passkeys/{passkey['id']}', {{method: 'DELETE'}}).then((answer) => answer.status)"
        )
        assert removed == 204
        refused = await asyncio.wait_for(page.evaluate(ASSERTED, ["", ""]), scaled(60.0))
        assert refused == [403, 403]
    assert (await trail(daemon, "passkey.removed"))[-1]["actor"] == "bob"
