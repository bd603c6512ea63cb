"""A call that was asked for by text is allowed on the page of approvals with a passkey: a second way."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.chromium import open_page
from tests.browser.test_sign_in import add_authenticator, add_passkey, sign_in_by_link
from tests.e2e.signing_in import link_for, trail
from tests.e2e.world import ALICE, World, script, write_file

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.cli_process,
    pytest.mark.asyncio(loop_scope="module"),
]


async def test_a_session_by_link_proves_nothing_and_a_passkey_does(browser: Browser, tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.start()
        path = world.folder / "outside.txt"
        strong = await link_for(world.daemon, "alice")
        async with open_page(browser, strong) as watched:
            page = watched.page
            await add_authenticator(page)
            await sign_in_by_link(page, strong)
            await add_passkey(page)
            await page.get_by_role("button", name="Sign out").click()
            await page.get_by_label("Mail address or phone number").fill(ALICE)
            await page.get_by_role("button", name="Send me a link").click()
            weak = (await world.answer("Sign in to xswarm")).rpartition(" ")[2]
            await sign_in_by_link(page, weak)
            await world.text("@site write it: " + script(write_file(path, "hi"), {"text": "That was it."}))
            await world.answer(f"Write {path}")
            await page.get_by_role("link", name="Open the console").click()
            await page.get_by_role("navigation", name="Pages").get_by_role("link", name="Approvals").click()
            card = page.locator(".card")
            await card.get_by_role("button", name="Yes", exact=True).click()
            await expect(card.get_by_role("alert")).to_contain_text("another way than sms")
            assert not path.exists()
            await card.get_by_role("button", name="Yes, with a passkey").click()
            await expect(card).to_have_count(0)
            await world.answer("That was it.")
            watched.forgive("40")  # 401 after signing out, 403 of the yes without a passkey
            watched.assert_clean()
        assert path.read_text(encoding="utf-8") == "hi"
        (yes,) = await trail(world.daemon, "approval.allowed")
        assert (yes["actor"], yes["detail"]["way"]) == ("alice", "passkey")
