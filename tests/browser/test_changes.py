"""The pages of changes as a person uses them: a turn's diff, undo and its undo, every file operation."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, FilePayload, ViewportSize, expect

from tests.browser.chromium import DESK, PHONE, Watched, milliseconds
from tests.browser.console import Place, ask
from tests.e2e.world import script, write_file

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]


async def change(place: Place, watched: Watched, name: str, content: str) -> None:
    """Let Claude Code write a file of the project, allowed from the list of questions."""
    page = watched.page
    await ask(page, f"claude: write {name} {script(write_file(place.project / name, content), {'text': 'Written.'})}")
    await allow(watched, name)
    await page.get_by_role("link", name="Chat").click()
    await expect(page.locator(".xswarm-assistant").last).to_contain_text("Written.", timeout=milliseconds(60.0))


async def allow(watched: Watched, name: str) -> None:
    """Say yes to the call that names a file, in the list of questions."""
    page = watched.page
    link = page.get_by_role("link", name="Approvals")
    await expect(link).to_contain_text("1", timeout=milliseconds(60.0))
    await link.click()
    yes = page.get_by_role("listitem").filter(has_text=name).get_by_role("button", name="Yes", exact=True)
    await yes.click()
    await expect(yes).to_have_count(0)


@pytest.mark.cli_process
@pytest.mark.browser
@pytest.mark.parametrize("viewport", [DESK, PHONE])
async def test_a_turn_is_shown_undone_and_brought_back(place: Place, browser: Browser, viewport: ViewportSize) -> None:
    name = f"poem-{viewport['width']}.txt"
    target = place.project / name
    async with place.signed_in(browser, "/chat", viewport) as watched:
        page = watched.page
        await change(place, watched, name, "roses\nviolets\n")
        await page.get_by_role("link", name="Changes").click()
        await page.get_by_role("textbox", name="Project").fill("site")
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(re.compile(r"/changes\?project=site$"))
        await watched.assert_accessible()
        await page.get_by_role("link", name=f"write {name}").click()
        await expect(page.get_by_role("group", name=f"Lines of {name}")).to_contain_text("+violets")
        await watched.assert_accessible()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")

        for button, lines in ((f"Download {name}", "roses\nviolets\n"), ("Download patch", "+violets\n")):
            async with page.expect_download() as saving:
                await page.get_by_role("button", name=button).click()
            assert lines in (await (await saving.value).path()).read_text(encoding="utf-8")

        await page.get_by_role("button", name="Undo: what would change?").click()
        await expect(page.get_by_role("region", name="Undo").get_by_role("listitem")).to_have_text(name)
        assert target.exists()
        await watched.assert_accessible()
        await page.get_by_role("button", name="Undo", exact=True).click()
        await expect(page.get_by_text("These changes are undone.")).to_be_visible()
        assert not target.exists()

        target.write_text("by hand\n", encoding="utf-8")
        await page.get_by_role("button", name="Bring the changes back: what would change?").click()
        await expect(page.get_by_role("alert")).to_contain_text(name)
        assert target.read_text(encoding="utf-8") == "by hand\n"
        target.unlink()
        await page.get_by_role("button", name="Bring the changes back: what would change?").click()
        await page.get_by_role("button", name="Bring the changes back", exact=True).click()
        await expect(page.get_by_role("button", name="Undo: what would change?")).to_be_visible()
        assert target.read_text(encoding="utf-8") == "roses\nviolets\n"

        await page.get_by_role("link", name="All changes").click()
        await page.get_by_role("link", name="File operations").click()
        row = page.get_by_role("row").filter(has_text=name)
        await expect(row).to_contain_text("Write")
        await watched.assert_accessible()
        await row.get_by_role("button", name="Roll back").click()
        await row.get_by_role("button", name="Yes, roll back").click()
        await expect(row).to_contain_text("rolled back")
        assert not target.exists()
        watched.forgive("409")
        watched.assert_clean()


@pytest.mark.cli_process
@pytest.mark.browser
@pytest.mark.parametrize("viewport", [DESK, PHONE])
async def test_comments_on_lines_go_to_the_session_and_what_it_changes_next_stands_below_them(
    place: Place, browser: Browser, viewport: ViewportSize
) -> None:
    name = f"review-{viewport['width']}.txt"
    better = write_file(place.project / name, "two\n")
    asked = f"make it two {script(better, {'text': 'It is two now.'})}"
    async with place.signed_in(browser, "/chat", viewport) as watched:
        page = watched.page
        await change(place, watched, name, "one\n")
        await page.get_by_role("link", name="Changes").click()
        await page.get_by_role("link", name=f"write {name}").click()
        await page.get_by_role("button", name="Comment on line 1: one").focus()
        await page.keyboard.press("Enter")
        await page.keyboard.type("not this one")
        await page.get_by_role("button", name="Keep comment").click()
        await page.reload()
        await page.get_by_role("button", name="Change", exact=True).click()
        await page.get_by_role("textbox", name="Comment on line 1").fill(asked)
        await watched.assert_accessible()
        await page.get_by_role("button", name="Keep comment").click()
        await page.get_by_role("button", name="Send one comment to the session").click()
        review = page.get_by_role("article", name="A review that was sent")
        await expect(review).to_contain_text("The session works on it.", timeout=milliseconds(60.0))
        await allow(watched, name)
        await page.go_back()
        await expect(review.get_by_role("link", name="What it changed next")).to_be_visible()
        await expect(review.get_by_role("group", name=f"Lines of {name}")).to_contain_text("+two")
        await expect(review.locator("blockquote")).to_contain_text("make it two")
        await watched.assert_accessible()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        watched.assert_clean()


@pytest.mark.browser
@pytest.mark.parametrize("viewport", [DESK, PHONE])
async def test_a_file_is_attached_taken_away_and_sent_with_a_message(
    place: Place, browser: Browser, viewport: ViewportSize
) -> None:
    files = [FilePayload(name=name, mimeType="text/plain", buffer=b"hello") for name in ("one.txt", "two.txt")]
    files.append(FilePayload(name="three.png", mimeType="image/png", buffer=b"PK\x03\x04\0\0"))
    async with place.signed_in(browser, "/chat", viewport) as watched:
        page = watched.page
        async with page.expect_file_chooser() as choosing:
            await page.get_by_role("button", name="Attach files").click()
        await (await choosing.value).set_files(files)
        await expect(page.locator(".xswarm-file")).to_have_count(2)
        await expect(page.get_by_role("alert")).to_contain_text("three.png: The file was not taken")
        await watched.assert_accessible()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await page.get_by_role("button", name="Remove one.txt").click()
        await ask(page, f"what is it? {script({'text': 'A greeting.'})}")
        await expect(page.locator(".xswarm-assistant")).to_contain_text("A greeting.")
        await expect(page.locator(".xswarm-user")).to_contain_text("[attached: two.txt]")
        await expect(page.locator(".xswarm-file")).to_have_count(0)
        await page.reload()
        await expect(page.locator(".xswarm-user")).to_have_count(1)
        await expect(page.locator(".xswarm-user")).to_contain_text("[attached: two.txt]")
        watched.forgive("403")
        watched.assert_clean()
