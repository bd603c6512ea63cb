"""The scheduling example in a browser: the model reads references, the person's own screen shows names."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.chromium import chromium, milliseconds, open_page
from tests.browser.console import tools_work
from tests.browser.site import ROOT, serve_site
from tests.e2e.process import DaemonProcess
from tests.ports import free_port

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

CONFIG = ROOT / "examples/residency/config.toml"

REFERENCE = re.compile(r"entity-[0-9a-f]{8}")

ARTIFACTS = """
JSON.parse(localStorage.getItem(`xswarm:ada:session:${JSON.parse(localStorage.getItem("xswarm:ada:current"))}`))
  .messages.flatMap((message) => message.artifacts)
"""
"""The artifacts that the page has kept."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One browser for the file."""
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page_url(browser: Browser, site: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A page that chats with the demo of the example."""
    port, page_port = free_port(), free_port()
    example = CONFIG.read_text(encoding="utf-8")
    daemon = DaemonProcess(
        tmp_path_factory.mktemp("daemon"),
        supervisor=f'port = 0\nallowed_origins = ["http://127.0.0.1:{page_port}"]',
        http=f"port = {port}",
        config=example.replace("../../.venv/bin/python", sys.executable).replace('cwd = "../.."', f'cwd = "{ROOT}"'),
    )
    async with daemon:
        token = str((await daemon.xswarm("token", "jwt", "--user", "demo", "--json")).document["token"])
        await tools_work(daemon, "residency")
        async with serve_site(site, page_port, f"http://127.0.0.1:{port}", lambda: token) as url:
            yield url


async def test_an_analysis_names_people_on_the_screen_and_not_to_the_model(page_url: str, browser: Browser) -> None:
    async with open_page(browser, page_url) as watched:
        page = watched.page
        await page.get_by_role("button", name="Are there any conflicts?").click()
        await page.get_by_role("button", name=re.compile("^Open .*onflicts")).click(timeout=milliseconds(60.0))
        answer = page.locator(".xswarm-assistant .xswarm-text").last
        await expect(answer).not_to_contain_text(REFERENCE)  # the model wrote references
        await expect(page.get_by_role("button", name="Stop")).to_have_count(0)
        await page.reload()  # a page that is left keeps its session
        (artifact,) = await page.evaluate(ARTIFACTS)
        assert artifact["type"] == "analysis"
        people = re.findall(r"'person_name': '([^']+)'", str(artifact["data"]))
        assert people
        assert [name for name in people if REFERENCE.search(name)] == []
        watched.assert_clean()


async def test_a_swap_is_asked_about_with_names_and_made_with_leave(page_url: str, browser: Browser) -> None:
    async with open_page(browser, page_url) as watched:
        page = watched.page
        await ask(page, "Find swap candidates for Dr. Smith")
        answer = page.locator(".xswarm-assistant .xswarm-text")
        await expect(answer.last).to_contain_text("candidates", timeout=milliseconds(60.0))
        await expect(page.get_by_role("button", name="Stop")).to_have_count(0)
        await expect(answer.last).not_to_contain_text(REFERENCE)
        await page.reload()
        found = (await page.evaluate(ARTIFACTS))[-1]["data"]
        best = found["candidates"][0]
        await ask(page, "Make that swap")
        question = page.locator(".xswarm-confirmation")
        await expect(question).to_contain_text(found["person_name"], timeout=milliseconds(60.0))
        await expect(question).to_contain_text(best["with_person_name"])
        await expect(question).not_to_contain_text(REFERENCE)
        await question.get_by_role("button", name="Allow").click()
        await expect(page.locator(".xswarm-tool summary").last).to_contain_text("done")
        await expect(question).to_have_count(0)
        watched.assert_clean()


async def ask(page: Page, text: str) -> None:
    """Write a message and send it with Enter."""
    await page.get_by_label("Message", exact=True).fill(text)
    await page.keyboard.press("Enter")
