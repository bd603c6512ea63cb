"""A long conversation in Chromium, with the real daemon: pages of earlier messages; a message that was found."""

from __future__ import annotations

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.console import Place
from tests.e2e.chatting import raw
from tests.e2e.world import script

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

MESSAGES = 210
"""More than the daemon sends at once (200), which is more than the page shows at once."""

FIRST_IN_SIGHT = """
() => {
    const scroller = document.querySelector(".xswarm-scroller");
    const top = scroller.getBoundingClientRect().top;
    const messages = [...document.querySelectorAll(".xswarm-message")];
    const first = messages.find((one) => one.getBoundingClientRect().bottom > top);
    return [first.id, Math.round(first.getBoundingClientRect().top - top), messages.length];
}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chat(place: Place) -> str:
    """The id of a chat with many messages."""
    url = place.url.replace("http", "ws", 1) + "/api/claude-chat/ws"
    async with raw(url, subprotocols=["bearer", place.token], origin=place.url) as client:
        for number in range(MESSAGES):
            await client.ask(f"question no{number}x {script({'text': f'Answer **{number}**.'})}")
        return client.session_id


async def first_in_sight(page: Page) -> tuple[str, int, int]:
    """Return the first message in sight, how far it is from the top in pixels, and how many messages the page has."""
    name, top, count = await page.evaluate(FIRST_IN_SIGHT)
    return name, top, count


async def test_earlier_messages_come_while_one_scrolls_and_nothing_in_sight_moves(
    place: Place, browser: Browser, chat: str
) -> None:
    async with place.signed_in(browser, f"/chat/{chat}") as watched:
        page = watched.page
        await expect(page.get_by_text(f"Answer {MESSAGES - 1}.")).to_be_in_viewport()
        _, _, count = await first_in_sight(page)
        assert count == 40
        for _ in range(2):
            _, _, before = await first_in_sight(page)
            await page.locator(".xswarm-scroller").evaluate("(element) => { element.scrollTop = 0 }")
            await expect(page.locator(".xswarm-message")).not_to_have_count(before)
            name, top, _ = await first_in_sight(page)
            await page.locator(".xswarm-scroller").evaluate(
                "(element) => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
            )
            again = await first_in_sight(page)
            assert (again[0], again[1]) == (name, top)
        while await page.get_by_role("button", name="Earlier messages").count():
            await page.locator(".xswarm-scroller").evaluate("(element) => { element.scrollTop = 0 }")
        await expect(page.locator(".xswarm-message")).to_have_count(2 * MESSAGES)
        await expect(page.locator(".xswarm-message").first).to_contain_text("question no0x")
        watched.assert_clean()


async def test_a_message_that_was_found_is_shown_where_it_stands(place: Place, browser: Browser, chat: str) -> None:
    async with place.signed_in(browser, f"/chat/{chat}") as watched:
        page = watched.page
        await page.get_by_label("Search in all conversations").fill("no3x")
        await page.locator(".hit").click()
        found = page.locator(".xswarm-wanted")
        await expect(found).to_contain_text("question no3x")
        await expect(found).to_be_in_viewport()
        watched.assert_clean()
