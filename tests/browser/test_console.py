"""The console as a person uses it: in Chromium, served by the real daemon with the offline model."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, Response, ViewportSize, expect

from tests.browser.chromium import DESK, PHONE, milliseconds, open_page
from tests.browser.console import Place, ask, dollars, to_the_cent
from tests.e2e.world import script, slow_answer, write_file

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

FIRST_LOAD = 170_000
"""Most bytes that the first page loads, compressed."""

LIVELY = """# Plan

1. one
2. **two**

| a | b |
| - | - |
| 1 | 2 |

```python
print("<b>")
```

<script>document.title = "broken"</script> <img src=x onerror=alert(1)>
![a picture](https://pictures.example/one.png) and [a link](javascript:alert(1))
"""
"""An answer in Markdown, with what must stay text."""


async def test_a_first_visit_loads_little_and_sets_no_cookie(place: Place, browser: Browser) -> None:
    loaded: list[Response] = []
    async with open_page(browser, "about:blank") as watched:
        page = watched.page
        page.on("response", lambda response: loaded.append(response))
        await page.goto(place.url)
        await page.get_by_label("Or paste a token").fill(place.token)
        await page.get_by_role("button", name="Sign in").click()
        await ask(page, f"hello {script({'text': 'Good day.'})}")
        await expect(page.locator(".xswarm-assistant .markdown")).to_contain_text("Good day.")
        files = [one for one in loaded if "/api/" not in one.url]
        assert len(files) > 3
        assert sum([int(await one.header_value("content-length") or 0) for one in files]) <= FIRST_LOAD
        assert all([await one.header_value("content-encoding") == "gzip" for one in files])
        assert await page.context.cookies() == []
        watched.assert_clean()


async def test_an_answer_in_markdown_is_elements_and_nothing_of_it_runs(place: Place, browser: Browser) -> None:
    async with place.signed_in(browser, "/chat") as watched:
        page = watched.page
        await ask(page, f"show me {script({'text': LIVELY})}")
        answer = page.locator(".xswarm-assistant .markdown")
        await expect(answer.locator("h1")).to_have_text("Plan")
        await expect(answer.locator("td").first).to_have_text("1")
        await expect(answer.locator("pre")).to_have_text('print("<b>")\n')
        await expect(answer.locator("pre .code-string").first).to_be_visible()
        await expect(answer).to_contain_text("<script>")
        await expect(answer.locator("img, script")).to_have_count(0)
        await expect(answer.get_by_text("a link")).not_to_have_attribute("href", "javascript:alert(1)")
        assert await page.title() == "xswarm"
        await expect(page.get_by_role("button", name="Stop")).to_have_count(0)
        watched.assert_clean()


async def test_escape_stops_an_answer_and_a_reload_shows_what_there_was(place: Place, browser: Browser) -> None:
    async with place.signed_in(browser, "/chat") as watched:
        page = watched.page
        await ask(page, f"a long story {script(slow_answer(400, 60.0))}")
        await expect(page.locator(".xswarm-assistant")).to_contain_text("w3 ")
        await page.keyboard.press("Escape")
        await expect(page.locator(".xswarm-assistant .xswarm-state")).to_have_text("Stopped")
        await page.get_by_label("Message", exact=True).fill("half a sent")
        await page.reload()
        await expect(page.locator(".xswarm-assistant")).to_contain_text("w3 ")
        assert await page.get_by_label("Message", exact=True).input_value() == "half a sent"
        watched.assert_clean()


async def test_a_person_signs_in_by_a_link_chats_and_signs_out(place: Place, browser: Browser) -> None:
    link = str((await place.daemon.xswarm("user", "link", "ada", "--json")).document["link"])
    async with open_page(browser, link) as watched:
        page = watched.page
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await page.get_by_role("link", name="Open the console").click()
        await ask(page, f"who am I? {script({'text': 'You are Ada.'})}")
        await expect(page.locator(".xswarm-assistant")).to_contain_text("You are Ada.")
        assert await page.evaluate("document.cookie + sessionStorage.length") == "0"
        await page.get_by_role("link", name="Approvals").click()
        await expect(page.get_by_text("Nothing waits for you.")).to_be_visible()
        watched.assert_clean()
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_label("Or paste a token")).to_be_visible()
        await page.reload()
        await expect(page.get_by_label("Or paste a token")).to_be_visible()
        watched.forgive("401")
        watched.assert_clean()


@pytest.mark.browser
async def test_a_conversation_is_found_renamed_and_deleted(place: Place, browser: Browser) -> None:
    async with place.signed_in(browser, "/chat") as watched:
        page = watched.page
        await ask(page, f"lunch on Friday {script({'text': 'Noted.'})}")
        await expect(page.locator(".xswarm-assistant")).to_contain_text("Noted.")
        chats = page.get_by_role("navigation", name="Conversations")
        await chats.get_by_role("button", name="New conversation").click()
        await expect(page.locator(".xswarm-message")).to_have_count(0)
        search = chats.get_by_label("Search in all conversations")
        await search.fill("friday nowhere")
        await expect(chats.get_by_text("Nothing has all of these words.")).to_be_visible()
        await search.fill("friday lun")
        await expect(chats.locator("mark")).to_have_text(["lunch", "Friday"])
        await watched.assert_accessible()
        await chats.locator(".hit").click()
        await expect(page.locator(".xswarm-assistant")).to_contain_text("Noted.")
        await search.fill("")
        await chats.get_by_role("button", name="Rename").click()
        await chats.get_by_label("Title").fill("Lunch")
        await page.keyboard.press("Enter")
        await expect(chats.get_by_role("button", name="Lunch", exact=True)).to_be_visible()
        await chats.get_by_role("button", name="Delete", exact=True).click()
        await chats.get_by_role("button", name="Yes, delete").click()
        await expect(chats.get_by_role("button", name="Lunch", exact=True)).to_have_count(0)
        await expect(page.locator(".xswarm-message")).to_have_count(0)
        watched.assert_clean()


@pytest.mark.cli_process
async def test_a_question_is_counted_on_every_page_and_answered_in_the_list(place: Place, browser: Browser) -> None:
    target = place.project / "asked.txt"
    async with place.signed_in(browser, "/chat") as watched:
        page = watched.page
        await ask(page, f"claude: please {script(write_file(target, 'made from the list'), {'text': 'Made.'})}")
        link = page.get_by_role("navigation", name="Pages").get_by_role("link", name="Approvals")
        await expect(link).to_contain_text("1", timeout=milliseconds(60.0))
        await expect(page).to_have_title("(1) xswarm")
        await link.click()
        card = page.get_by_role("listitem").filter(has_text="made from the list")
        await expect(card).to_contain_text("ada")
        await expect(card.locator("pre")).to_contain_text("made from the list")
        await expect(card).to_contain_text(re.compile(r"Time left\s*\d+:\d\d"))
        await watched.assert_accessible()
        assert not target.exists()
        await card.get_by_role("button", name="Yes", exact=True).click()
        await expect(card).to_have_count(0)
        await expect(page.get_by_text("Nothing waits for you.")).to_be_visible()
        await page.get_by_role("link", name="Chat").click()
        await expect(page.locator(".xswarm-assistant")).to_contain_text("Made.")
        await page.locator(".xswarm-tool summary", has_text="asked.txt").click()
        await expect(page.locator(".xswarm-tool .added")).to_have_text("+made from the list\n")
        await expect(page.locator(".xswarm-tool summary")).to_contain_text(re.compile(r"done.*\d s"))
        assert target.read_text(encoding="utf-8") == "made from the list"
        watched.assert_clean()


async def test_costs_are_those_of_the_terminal(place: Place, browser: Browser) -> None:
    async with place.signed_in(browser, "/chat") as watched:
        page = watched.page
        await ask(page, f"what does it cost? {script({'text': 'A little.'})}")
        await expect(page.locator(".xswarm-assistant")).to_contain_text("A little.")
        await expect(page.get_by_role("button", name="Stop")).to_have_count(0)
        await page.get_by_role("link", name="Costs").click()
        await page.get_by_role("combobox", name="By", exact=True).select_option("channel")
        await expect(page).to_have_url(re.compile(r"/costs\?by=channel$"))
        row = page.get_by_role("row").filter(has_text="chat")
        await expect(row).to_be_visible()
        await expect(page.locator("svg rect").first).to_be_attached()
        costs = (await place.daemon.xswarm("claude", "cost", "--by", "channel", "--json")).document
        spent = {one["key"]: one for one in costs["rows"]}["chat"]
        for cells, amount in ((row, spent["cost_usd"]), (page.get_by_role("row").last, costs["total_usd"])):
            shown = await cells.get_by_role("cell").first.inner_text()
            assert dollars(shown) == to_the_cent(amount)
        for split in ("user", "project", "model"):
            rows = (await place.daemon.xswarm("claude", "cost", "--by", split, "--json")).document["rows"]
            await page.get_by_role("combobox", name="By", exact=True).select_option(split)
            await expect(page.get_by_role("columnheader", name=split)).to_be_visible()
            for one in rows:
                cell = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=one["key"] or "none"))
                shown = await cell.get_by_role("cell").first.inner_text()
                assert dollars(shown) == to_the_cent(one["cost_usd"]), one
        for down, sort in ((True, "-cost"), (False, "cost")):
            await page.get_by_role("button", name="Cost", exact=False).first.click()
            await expect(page).to_have_url(re.compile(rf"[?&]sort={sort}$"))
            head = page.get_by_role("columnheader", name="Cost")
            await expect(head).to_have_attribute("aria-sort", "descending" if down else "ascending")
            texts = await page.locator("tbody tr td:nth-child(2)").all_inner_texts()
            amounts = [dollars(one) for one in texts]
            assert amounts == sorted(amounts, reverse=down)
        await page.get_by_role("combobox", name="By", exact=True).select_option("channel")
        async with page.expect_download() as saving:
            await page.get_by_role("button", name="Save as CSV").click()
        lines = (await (await saving.value).path()).read_text(encoding="utf-8").splitlines()
        saved = [line.split(",") for line in lines if ",chat," in line]
        assert sum(float(line[2]) for line in saved) == pytest.approx(spent["cost_usd"])
        watched.assert_clean()


@pytest.mark.cli_process
async def test_sessions_are_filtered_in_the_address_and_a_turn_is_interrupted(place: Place, browser: Browser) -> None:
    async with place.signed_in(browser, "/chat") as watched:
        page = watched.page
        await ask(page, f"claude: a story {script(slow_answer(400, 60.0))}")
        await expect(page.locator(".xswarm-assistant")).to_contain_text("w3 ", timeout=milliseconds(60.0))
        await page.get_by_role("link", name="Sessions").click()
        await page.get_by_role("combobox", name="Status").select_option("active")
        await expect(page).to_have_url(re.compile(r"/sessions\?status=active$"))
        rows = page.get_by_role("row").filter(has_text="Claude Code in site").filter(has=page.get_by_role("button"))
        row = rows.first  # the newest activity
        await expect(row).to_contain_text("ada")
        await row.get_by_role("button", name="Interrupt").click()
        await page.get_by_role("textbox", name="User").fill("nobody")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("User not found")
        await page.get_by_role("link", name="All sessions").click()
        await expect(row).to_be_visible()
        await page.get_by_role("link", name="Chat").click()
        await expect(page.locator(".xswarm-assistant .xswarm-state")).to_have_text("Stopped")
        watched.forgive("404")
        watched.assert_clean()


@pytest.mark.browser
async def test_a_message_that_waits_is_taken_out_of_the_queue(place: Place, browser: Browser) -> None:
    async with place.signed_in(browser, "/chat") as watched:
        page = watched.page
        await ask(page, f"a story {script(slow_answer(400, 60.0))}")
        await expect(page.locator(".xswarm-assistant")).to_contain_text("w3 ")
        await ask(page, "and then this")
        await page.get_by_role("link", name="Queue").click()
        row = page.get_by_role("row").filter(has_text="and then this")
        await expect(row).to_contain_text("ada")
        await page.get_by_role("button", name="Since (UTC)").click()
        await expect(page).to_have_url(re.compile(r"/queue\?sort=-since$"))
        await row.get_by_role("button", name="Remove").click()
        await expect(page.get_by_text("Nothing waits.")).to_be_visible()
        await page.get_by_role("link", name="Chat").click()
        await page.get_by_role("button", name="Stop").click()
        await expect(page.locator(".xswarm-assistant .xswarm-state").first).to_have_text("Stopped")
        watched.assert_clean()


@pytest.mark.browser
@pytest.mark.cli_process
async def test_what_is_answered_elsewhere_disappears_and_a_no_carries_its_note(place: Place, browser: Browser) -> None:
    target = place.project / "denied.txt"
    async with place.signed_in(browser, "/chat") as watched, place.signed_in(browser, "/approvals") as other:
        await ask(watched.page, f"claude: please {script(write_file(target, 'no'), {'text': 'I did not.'})}")
        for page in (watched.page, other.page):
            await page.get_by_role("navigation", name="Pages").get_by_role("link", name="Approvals").click()
            await expect(page.locator(".card")).to_have_count(1, timeout=milliseconds(60.0))
        await other.page.get_by_label("Note").fill("not today")
        await other.page.get_by_role("button", name="No", exact=True).click()
        for page in (watched.page, other.page):
            await expect(page.locator(".card")).to_have_count(0)
        await watched.page.get_by_role("link", name="Chat").click()
        await expect(watched.page.locator(".xswarm-assistant")).to_contain_text("I did not.")
        await expect(watched.page.locator(".xswarm-tool pre").last).to_contain_text("not today")
        assert not target.exists()
        watched.assert_clean()
        other.assert_clean()


@pytest.mark.browser
@pytest.mark.parametrize("viewport", [DESK, PHONE])
async def test_every_page_and_dialog_keeps_the_policy_and_is_accessible(
    place: Place, browser: Browser, viewport: ViewportSize
) -> None:
    async with open_page(browser, place.url, viewport) as watched:
        page = watched.page
        await expect(page.get_by_label("Or paste a token")).to_be_visible()
        await watched.assert_accessible()
        await page.get_by_label("Or paste a token").fill("nonsense")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_contain_text("xswarm token jwt")
        await page.get_by_label("Or paste a token").fill(place.token)
        await page.get_by_role("button", name="Sign in").click()
        links = page.get_by_role("navigation", name="Pages").get_by_role("link")
        await expect(links.filter(has_text="Audit")).to_be_attached()  # the daemon has said what this person may see
        names = await links.all_inner_texts()
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            for name in names:
                await page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).click()
                await expect(page.get_by_role("heading", level=1, name=name)).to_be_attached()
                await expect(page.get_by_text("Loading", exact=True)).to_have_count(0)
                await watched.assert_accessible()
                assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        await page.locator("h1").first.click(force=True)
        await page.keyboard.press("?")
        await expect(page.get_by_role("dialog")).to_be_visible()
        await watched.assert_accessible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        watched.assert_clean()
