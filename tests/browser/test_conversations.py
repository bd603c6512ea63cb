"""The chat of the console with a tool server: what the assistant can do, a conversation as a file, keys, zoom."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ViewportSize, expect

from tests.browser.chromium import DESK, PHONE
from tests.browser.console import CONFIG, Place, ask, tools_work
from tests.e2e.process import DaemonProcess
from tests.e2e.world import script
from tests.tool_servers.programs import PROGRAM

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

SERVER = f"""
[mcp.clinic]
command = {json.dumps(sys.executable)}
args = [{json.dumps(str(PROGRAM))}]
read_only = ["people"]
examples = ["Who works today?"]
"""

ZOOMED = ViewportSize(width=640, height=400)
"""What 200 % leaves of 1280 by 800 pixels."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    """A daemon with a tool server."""
    folder = tmp_path_factory.mktemp("daemon")
    project = folder / "site"
    project.mkdir()
    config = CONFIG.format(path=project) + SERVER
    async with DaemonProcess(folder, config=config, arguments=("--offline",)) as daemon:
        added = await daemon.xswarm("user", "add", "ada", "--role", "ADMIN", "--name", "Ada")
        assert added.code == 0, added
        token = (await daemon.xswarm("token", "jwt", "--user", "ada", "--json")).document["token"]
        await tools_work(daemon, "clinic")
        yield Place(daemon, str(token), project)


@pytest.mark.parametrize("viewport", [DESK, PHONE, ZOOMED])
async def test_tools_are_found_by_category_and_one_tap_asks(
    place: Place, browser: Browser, viewport: ViewportSize
) -> None:
    async with place.signed_in(browser, "/chat", viewport) as watched:
        page = watched.page
        await page.get_by_role("button", name="Tools", exact=True).click()
        panel = page.get_by_role("complementary", name="What it can do")
        await expect(panel.get_by_role("heading", name="Staff")).to_be_visible()
        await expect(panel.get_by_role("heading", name="clinic")).to_be_visible()
        await watched.assert_accessible()
        await panel.get_by_role("button", name="Close").click()
        await expect(panel).to_have_count(0)
        await page.get_by_role("button", name="Tools", exact=True).click()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await panel.get_by_label("Search in the tools").fill("staff people")
        await expect(panel.get_by_role("listitem")).to_have_count(1)
        await expect(panel.get_by_role("listitem")).to_contain_text("People of the clinic")
        await panel.get_by_role("button", name="Where are too few people?").click()
        await expect(page.locator(".xswarm-user").last).to_contain_text("Where are too few people?")
        await expect(page.get_by_role("button", name="Stop")).to_have_count(0)
        watched.assert_clean()


async def test_a_conversation_is_saved_as_markdown_and_as_json(place: Place, browser: Browser) -> None:
    async with place.signed_in(browser, "/chat") as watched:
        page = watched.page
        await page.get_by_role("button", name="New conversation").click()
        await ask(page, f"keep this {script({'text': 'It is **kept**.'})}")
        await expect(page.locator(".xswarm-assistant")).to_contain_text("It is kept.")
        await expect(page.get_by_role("button", name="Stop")).to_have_count(0)
        async with page.expect_download() as saving:
            await page.get_by_role("button", name="Save as Markdown").click()
        text = (await (await saving.value).path()).read_text(encoding="utf-8")
        assert re.search(r"## You, .* UTC\n\nkeep this", text)
        assert "\n\nIt is **kept**.\n" in text
        async with page.expect_download() as saving:
            await page.get_by_role("button", name="Save as JSON").click()
        saved = json.loads((await (await saving.value).path()).read_text(encoding="utf-8"))
        assert [one["role"] for one in saved["messages"]] == ["user", "assistant"]
        watched.assert_clean()


async def test_keys_search_write_and_begin_anew_but_not_while_one_writes(place: Place, browser: Browser) -> None:
    async with place.signed_in(browser, "/chat") as watched:
        page = watched.page
        field = page.get_by_label("Message", exact=True)
        await page.locator("h1").first.click(force=True)
        await page.keyboard.press("/")
        await expect(page.get_by_label("Search in all conversations")).to_be_focused()
        await page.keyboard.type("nt/")
        await expect(page.get_by_label("Search in all conversations")).to_have_value("nt/")
        await page.locator("h1").first.click(force=True)
        await page.keyboard.press("m")
        await expect(field).to_be_focused()
        await page.keyboard.type("t")
        await expect(field).to_have_value("t")
        await page.locator("h1").first.click(force=True)
        before = page.url
        await page.keyboard.press("n")
        await expect(page).not_to_have_url(before)
        await expect(field).to_have_value("")
        await page.keyboard.press("t")
        await expect(page.get_by_role("complementary", name="What it can do")).to_be_visible()
        watched.assert_clean()
