"""Replies that leave, and messages that were dropped, in Chromium with the real daemon, its texts and its mail."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.chromium import milliseconds, open_page
from tests.browser.test_sign_in import enter_with_passkey
from tests.e2e.signing_in import link_for
from tests.e2e.world import ALICE_MAIL, ANSWER_SECONDS, World

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module")
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A daemon that echoes, with a text that was answered, and two mails that were dropped."""
    async with World(tmp_path, connector="echo") as world:
        await world.start()
        assert await world.ask("@site good morning")
        for sender in (ALICE_MAIL, "eve@example.net"):
            await world.mail_unproven(sender, "claude: the door code")
        yield world


async def test_replies_are_listed_and_a_dropped_mail_is_let_in_after_a_passkey(world: World, browser: Browser) -> None:
    async with open_page(browser, await link_for(world.daemon, "alice")) as watched:
        page = watched.page
        await enter_with_passkey(page)
        await page.get_by_role("navigation", name="Pages").get_by_role("link", name="Outbox").click()
        replies = page.get_by_role("table").get_by_role("row")
        text = replies.filter(has=page.get_by_role("cell", name="sms", exact=True))
        await expect(text).to_contain_text(re.compile("alice.*(sent|delivered)"))
        await page.get_by_label("Channel").fill("mail")
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(re.compile(r"/outbox\?channel=mail$"))
        await expect(page.get_by_text("No reply is like that.")).to_be_visible()

        await page.get_by_role("link", name="Dropped messages").click()
        stranger = replies.filter(has_text="eve@example.net")
        await expect(stranger).to_contain_text("not kept")
        own = replies.filter(has_text=ALICE_MAIL)
        await expect(own).to_contain_text("Login page")
        await expect(own).to_contain_text("the door code")
        await expect(own).to_contain_text("it has no Authentication-Results")
        await watched.assert_accessible()
        await own.get_by_role("button", name="Let in").click()
        await expect(own).to_contain_text(re.compile(r"let in \d{4}-"))
        await world.mailed("the door code")

        await page.get_by_role("link", name="Replies").click()
        answer = replies.filter(has=page.get_by_role("cell", name="mail", exact=True))
        await expect(answer).to_contain_text("sent", timeout=milliseconds(ANSWER_SECONDS))
        await page.get_by_role("navigation", name="Pages").get_by_role("link", name="Messages").click()
        await page.get_by_role("table").get_by_role("row").filter(has_text="door code").get_by_role("link").click()
        await expect(page.locator(".xswarm-wanted")).to_contain_text("the door code")
        watched.forgive("403")  # the passkey is asked for
        watched.assert_clean()
