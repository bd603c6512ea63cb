"""A new administrator's first day in the console, at a desk and on a phone: from the printed link to the passkey."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, ViewportSize, expect

from examples.residency.data.database import create
from examples.residency.seed.year import make
from tests.browser.chromium import DESK, PHONE, milliseconds, open_page
from tests.browser.console import CONFIG, ask, dollars, to_the_cent
from tests.browser.test_scene import IN_A_TERMINAL, printed_link
from tests.browser.test_sign_in import add_authenticator, add_passkey
from tests.e2e.chat.test_residency import TODAY, tables
from tests.e2e.process import DaemonProcess
from tests.e2e.world import script, slow_answer, write_file

pytestmark = [
    pytest.mark.browser,
    pytest.mark.e2e,
    pytest.mark.cli_process,
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The folder in which Claude Code works, and asks before each change."""
    made = tmp_path / "site"
    made.mkdir()
    return made


@pytest_asyncio.fixture(loop_scope="module")
async def daemon(tmp_path: Path, project: Path) -> AsyncIterator[DaemonProcess]:
    """A daemon with the example schedule in a terminal, started again after its first user was added."""
    create(tmp_path / "schedule.db", make(7, TODAY))
    running = DaemonProcess(
        tmp_path / "daemon",
        config=CONFIG.format(path=project) + tables(tmp_path),
        arguments=("--offline",),
        prefix=(sys.executable, "-c", IN_A_TERMINAL),
    )
    async with running:
        added = await running.xswarm("user", "add", "ada", "--role", "ADMIN", "--name", "Ada")
        assert added.code == 0, added
        assert await running.stop() == 0
        await running.start()
        yield running


async def visit(page: Page, name: str) -> None:
    """Go to a page of the console by its link."""
    await page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).click()
    await expect(page.get_by_role("heading", level=1, name=name)).to_be_attached()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name


async def ask_about_the_schedule(page: Page, viewport: ViewportSize) -> None:
    """Tap a question about the schedule; its analysis opens beside the answer, on a phone from a card in it."""
    if viewport == PHONE:
        await page.get_by_role("region", name="Messages").get_by_role("button", name="Are there any conflicts?").click()
    else:
        await page.get_by_role("button", name="Tools", exact=True).click()
        tools = page.get_by_role("complementary", name="What it can do")
        await tools.get_by_role("button", name="Are there any conflicts?").first.click()
    panel = page.get_by_role("complementary").filter(has=page.get_by_role("heading", name=re.compile("onflicts")))
    if viewport == PHONE:
        card = page.get_by_role("button", name=re.compile("^Open .*onflicts"))
        await expect(card).to_be_visible(timeout=milliseconds(60.0))
        await expect(panel).to_have_count(0)
        await card.click()
    await expect(panel).to_be_visible(timeout=milliseconds(60.0))
    await panel.get_by_role("button", name="Close").click()
    await expect(page.locator(".xswarm-assistant .xswarm-text").last).to_contain_text(re.compile("conflict", re.I))
    await expect(page.get_by_role("button", name="Stop")).to_have_count(0)


async def stop_and_find_an_answer(page: Page) -> None:
    """Stop an answer in a new conversation, load the page again, and find the conversation from another one."""
    chats = page.get_by_role("navigation", name="Conversations")
    await chats.get_by_role("button", name="New conversation").click()
    await ask(page, f"the tale of a lighthouse {script(slow_answer(400, 60.0))}")
    await expect(page.locator(".xswarm-assistant")).to_contain_text("w3 ")
    await page.get_by_role("button", name="Stop").click()
    state = page.locator(".xswarm-assistant .xswarm-state")
    await expect(state).to_have_text("Stopped")
    await page.reload()
    await expect(state).to_have_text("Stopped")
    await chats.get_by_role("button", name="New conversation").click()
    await expect(page.locator(".xswarm-message")).to_have_count(0)
    search = chats.get_by_label("Search in all conversations")
    await search.fill("lighthouse tale")
    await chats.locator(".hit").first.click()
    await expect(page.locator(".xswarm-user")).to_contain_text("the tale of a lighthouse")
    await expect(page.locator(".xswarm-assistant")).to_contain_text("w3 ")
    await expect(state).to_have_text("Stopped")
    await search.fill("")


async def approve_a_change(page: Page, target: Path) -> None:
    """Let Claude Code ask to write a file, and say yes in the list of questions."""
    await page.get_by_role("button", name="New conversation").click()
    await ask(page, f"claude: write {target.name} {script(write_file(target, 'violets'), {'text': 'Written.'})}")
    badge = page.get_by_role("navigation", name="Pages").get_by_role("link", name="Approvals")
    await expect(badge).to_contain_text("1", timeout=milliseconds(60.0))
    await visit(page, "Approvals")
    card = page.get_by_role("listitem").filter(has_text=target.name)
    await expect(card.locator("pre")).to_contain_text("violets")
    assert not target.exists()
    await card.get_by_role("button", name="Yes", exact=True).click()
    await expect(page.get_by_text("Nothing waits for you.")).to_be_visible()
    await visit(page, "Chat")
    await expect(page.locator(".xswarm-assistant").last).to_contain_text("Written.", timeout=milliseconds(60.0))
    await expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    assert target.read_text(encoding="utf-8") == "violets"


async def see_its_cost(page: Page, daemon: DaemonProcess) -> None:
    """Find what the change has cost: the same as in the terminal."""
    await visit(page, "Costs")
    await page.get_by_role("combobox", name="By", exact=True).select_option("project")
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="site"))
    shown = await row.get_by_role("cell").first.inner_text()
    costs = (await daemon.xswarm("claude", "cost", "--by", "project", "--json")).document
    (spent,) = [one["cost_usd"] for one in costs["rows"] if one["key"] == "site"]
    assert spent > 0
    assert dollars(shown) == to_the_cent(spent)


async def see_in_the_audit_trail(page: Page, *events: str) -> None:
    """Find entries about what this person did."""
    await visit(page, "Audit")
    for event in events:
        await expect(page.get_by_role("row").filter(has_text=event).first).to_contain_text("ada")


async def undo_it(page: Page, target: Path) -> None:
    """Take the change back."""
    await visit(page, "Changes")
    await page.get_by_role("link", name=f"write {target.name}").click()
    await page.get_by_role("button", name="Undo: what would change?").click()
    await expect(page.get_by_role("region", name="Undo").get_by_role("listitem")).to_have_text(target.name)
    await page.get_by_role("button", name="Undo", exact=True).click()
    await expect(page.get_by_text("These changes are undone.")).to_be_visible()
    assert not target.exists()


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["1280", "390"])
async def test_a_new_administrator_walks_through_the_console(
    daemon: DaemonProcess, project: Path, browser: Browser, viewport: ViewportSize
) -> None:
    target = project / "poem.txt"
    async with open_page(browser, await printed_link(daemon, "ada"), viewport) as watched:
        page, told = watched.page, watched.page.locator("#told")
        await add_authenticator(page)
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await expect(told).to_have_text("Ada is signed in.")
        await add_passkey(page)
        await page.get_by_role("link", name="Open the console").click()

        await visit(page, "Chat")
        await ask_about_the_schedule(page, viewport)
        await stop_and_find_an_answer(page)
        await approve_a_change(page, target)
        await see_its_cost(page, daemon)
        await see_in_the_audit_trail(page, "signin.ok", "passkey.added", "approval.asked", "approval.allowed")
        await undo_it(page, target)
        await see_in_the_audit_trail(page, "turn.undone")
        watched.assert_clean()

        await page.get_by_role("button", name="Sign out").click()
        await page.get_by_role("link", name="Sign in with a passkey").click()
        await page.get_by_role("button", name="Sign in with a passkey").click()
        await expect(told).to_have_text("Ada is signed in.")
        await page.get_by_role("link", name="Open the console").click()
        await visit(page, "Approvals")
        watched.forgive("401")  # after signing out nobody is known
        watched.assert_clean()
