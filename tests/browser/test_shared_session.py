"""A session of Claude Code that two people share: each sees in a browser of their own that the other is there."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.chromium import PHONE, milliseconds
from tests.browser.console import Place, ask
from tests.e2e.process import DaemonProcess
from tests.e2e.world import script, slow_answer
from tests.waiting import until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.cli_process,
    pytest.mark.asyncio(loop_scope="module"),
]

CONFIG = """
[projects.ward]
path = "{path}"
users = ["ada", "bob"]
shared = true
"""


@pytest_asyncio.fixture(loop_scope="module")
async def places(tmp_path: Path) -> AsyncIterator[tuple[Place, Place]]:
    """One daemon, as ada and as bob see it."""
    project = tmp_path / "ward"
    project.mkdir()
    async with DaemonProcess(tmp_path, config=CONFIG.format(path=project), arguments=("--offline",)) as daemon:
        tokens = []
        for user, role in (("ada", "ADMIN"), ("bob", "COORDINATOR")):
            assert (await daemon.xswarm("user", "add", user, "--role", role)).code == 0
            made = await daemon.xswarm("token", "jwt", "--user", user, "--json")
            tokens.append(str(made.document["token"]))
        yield Place(daemon, tokens[0], project), Place(daemon, tokens[1], project)


async def test_two_people_see_each_other_and_the_same_answer(places: tuple[Place, Place], browser: Browser) -> None:
    adas, bobs = places
    async with adas.signed_in(browser, "/chat") as ada, bobs.signed_in(browser, "/sessions", PHONE) as bob:
        await ask(ada.page, f"claude: where are the violets? {script({'text': 'They are in the window.'})}")
        await expect(ada.page.locator(".xswarm-assistant")).to_contain_text("window", timeout=milliseconds(60.0))
        link = bob.page.get_by_role("table").get_by_role("link").first
        await link.click()
        await expect(bob.page.get_by_role("heading", level=1, name="Claude Code in ward")).to_be_visible()
        messages = bob.page.get_by_role("region", name="Messages")
        await expect(messages.get_by_role("listitem").filter(has_text="where are the violets?")).to_contain_text("ada")
        await expect(messages.get_by_role("listitem").filter(has_text="Claude Code")).to_contain_text("in the window")
        await bob.assert_accessible()
        session = bob.page.url.rpartition("/")[2]

        await ada.page.goto(f"{adas.url}/sessions/{session}")
        for page, other in ((ada.page, "bob"), (bob.page, "ada")):
            await expect(page.locator(".present")).to_have_text(f"{other} is looking at this too.")
        field = bob.page.get_by_label("Message to Claude Code")

        async def is_seen() -> bool:
            await field.press_sequentially("r")  # it is shown for some seconds after each key only
            return await ada.page.locator(".present").text_content() == "bob is writing."

        await until(is_seen, "ada sees that bob is writing", interval=0.2)
        await field.fill(f"and the roses? {script(slow_answer(400, 60.0))}")
        await field.press("Enter")
        for page in (ada.page, bob.page):
            await expect(page.locator("[aria-busy=true]")).to_contain_text("w3 ", timeout=milliseconds(60.0))
        await expect(ada.page.locator(".present")).to_have_text("bob is looking at this too.")
        asked = ada.page.get_by_role("listitem").filter(has_text="and the roses?")
        await expect(asked).to_contain_text("bob")
        await ada.page.get_by_role("button", name="Interrupt").click()
        for page in (ada.page, bob.page):
            await expect(page.locator("[aria-busy=true]")).to_have_count(0)
            await expect(page.get_by_role("listitem").filter(has_text="and the roses?")).to_contain_text("stopped")
        await bob.page.get_by_role("link", name="Chat").click()
        await expect(ada.page.locator(".present")).to_have_text("")
        await bob.page.get_by_label("Search in all conversations").fill("violets")
        await bob.page.locator("a.hit").click()
        await expect(bob.page).to_have_url(re.compile(rf"/sessions/{session}\?message="))
        await expect(bob.page.locator(".xswarm-wanted")).to_contain_text("where are the violets?")
        ada.assert_clean()
        bob.forgive("502")  # the answer that was interrupted
        bob.assert_clean()
