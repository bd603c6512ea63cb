"""The pages of the people who run the daemon: in Chromium, served by the real daemon with the offline model."""

from __future__ import annotations

import csv
import json
import re

import pytest
from playwright.async_api import Browser, ViewportSize, expect

from tests.browser.chromium import DESK, open_page
from tests.browser.console import Place, ask
from tests.browser.test_sign_in import enter_with_passkey
from tests.e2e.world import script, slow_answer

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def test_the_audit_trail_is_filtered_in_the_address_verified_and_saved(place: Place, browser: Browser) -> None:
    async with place.signed_in(browser, "/audit") as watched:
        page = watched.page
        rows = page.get_by_role("table").get_by_role("row")
        await expect(rows.filter(has_text="user.put")).to_have_count(1)
        await page.get_by_label("What").fill("jwt")
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(re.compile(r"/audit\?event=jwt$"))
        await expect(rows.filter(has_text="user.put")).to_have_count(0)
        await expect(rows.nth(1)).to_contain_text("jwt.issued")
        await rows.nth(1).locator("summary").click()
        await expect(rows.nth(1).locator("pre")).to_contain_text('"user": "ada"')
        await watched.assert_accessible()
        await page.get_by_role("button", name="Number").click()
        await expect(page).to_have_url(re.compile(r"order=oldest$"))
        await page.reload()
        await expect(page.get_by_role("columnheader", name="Number")).to_have_attribute("aria-sort", "ascending")
        await page.get_by_role("button", name="Verify the chain").click()
        await expect(page.get_by_role("status")).to_have_text(re.compile(r"Intact: entries 1 to \d+\."))
        saved = []
        for name in ("Save as CSV", "Save as JSON Lines"):
            async with page.expect_download() as saving:
                await page.get_by_role("button", name=name).click()
            saved.append((await (await saving.value).path()).read_text(encoding="utf-8").splitlines())
        assert [one["event"] for one in csv.DictReader(saved[0])] == ["jwt.issued"]
        assert [json.loads(line)["event"] for line in saved[1]] == ["jwt.issued"]
        await page.get_by_label("Who").fill("nobody")
        await page.get_by_role("button", name="Filter", exact=True).click()
        await expect(page.get_by_text("No entry is like that.")).to_be_visible()
        watched.assert_clean()


async def test_what_came_in_and_what_agents_report_is_listed(place: Place, browser: Browser) -> None:
    async with place.signed_in(browser, "/chat") as watched:
        page = watched.page
        await ask(page, f"good morning {script({'text': 'Good morning.'})}")
        await expect(page.locator(".xswarm-assistant")).to_contain_text("Good morning.")
        for report in (
            {"type": "conversation_started", "agents": ["planner", "critic"]},
            {"type": "new_message", "agent": "planner", "content": "<b>a plan</b>"},
            {"type": "agent_status_update", "agent": "critic", "status": "thinking"},
            {"type": "file_operation", "operation_id": "op-1", "operation": "create", "filepath": "plan.md"},
        ):
            headers = {"Authorization": f"Bearer {place.token}"}
            done = await page.request.post(f"{place.url}/api/agents/events", headers=headers, data=report)
            assert done.ok, await done.text()
        pages = page.get_by_role("navigation", name="Pages")
        await pages.get_by_role("link", name="Messages").click()
        await expect(page.get_by_role("row").filter(has_text="good morning").first).to_contain_text("completed")
        await page.get_by_label("State").select_option("failed")
        await expect(page.get_by_text("No message is like that.")).to_be_visible()
        await pages.get_by_role("link", name="Agents").click()
        await expect(page.get_by_role("row").filter(has_text="critic").first).to_contain_text("thinking")
        await page.get_by_role("row").filter(has_text="planner, critic").get_by_role("link").click()
        await expect(page.get_by_role("listitem").filter(has_text="planner")).to_contain_text("<b>a plan</b>")
        await expect(page.get_by_role("row").filter(has_text="plan.md")).to_contain_text("the program")
        await watched.assert_accessible()
        watched.assert_clean()


async def test_people_and_tokens_are_read_with_a_token_and_not_changed(place: Place, browser: Browser) -> None:
    async with place.signed_in(browser, "/people?sort=-name") as watched:
        page = watched.page
        await expect(page.get_by_role("row", name="ada Ada")).to_contain_text("ADMIN")
        await expect(page.get_by_role("row").filter(has_text="whoever asks")).to_contain_text("site")
        await expect(page.get_by_text("A token only reads.")).to_be_visible()
        await expect(page.get_by_role("button", name="Add a person")).to_have_count(0)
        await page.get_by_role("link", name="Tokens").click()
        await expect(page.get_by_text("A token only reads.")).to_be_visible()
        await page.get_by_role("link", name="Outbox").click()
        await page.get_by_role("link", name="Dropped messages").click()
        await expect(page.get_by_text("Nothing was dropped within 30 days.")).to_be_visible()
        watched.assert_clean()


async def test_an_administrator_changes_people_and_tokens_after_showing_a_passkey(
    place: Place, browser: Browser
) -> None:
    link = str((await place.daemon.xswarm("user", "link", "ada", "--json")).document["link"])
    async with open_page(browser, link) as watched:
        page = watched.page
        await enter_with_passkey(page)
        await page.get_by_role("navigation", name="Pages").get_by_role("link", name="People").click()
        await page.get_by_role("button", name="Add a person").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Id", exact=True).fill("cleo")
        await dialog.get_by_label("Name").fill("Cleo")
        await dialog.get_by_label("Mail addresses").fill("not an address")
        await dialog.get_by_label("site").check()
        await watched.assert_accessible()
        await dialog.get_by_role("button", name="Save").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("mail")
        await dialog.get_by_label("Mail addresses").fill("cleo@example.com")
        await dialog.get_by_role("button", name="Save").click()
        row = page.get_by_role("row", name="cleo Cleo")
        await expect(row).to_contain_text("COORDINATOR")
        await expect(row).to_contain_text("site")
        await row.get_by_role("button", name="Change").click()
        await dialog.get_by_label("Role").select_option("OPERATOR")
        await dialog.get_by_role("button", name="Save").click()
        await expect(row).to_contain_text("OPERATOR")
        await page.get_by_role("link", name="Tokens").click()
        await page.get_by_label("For").fill("cleo")
        await page.get_by_role("button", name="Make a token").click()
        made = page.get_by_role("status").locator("code")
        await expect(made).to_have_text(re.compile("^xsw_"))
        token = page.get_by_role("row").filter(has_text="cleo")
        page.on("dialog", lambda asked: asked.accept())
        await token.get_by_role("button", name="Revoke").click()
        await expect(token).to_contain_text("revoked")
        await page.reload()
        await expect(token).to_contain_text("revoked")
        await expect(made).to_have_count(0)
        await page.get_by_role("link", name="Audit").click()
        for event in ("user.put", "token.created", "token.revoked"):
            await expect(page.get_by_role("row").filter(has_text=event).first).to_contain_text("ada")
        await page.get_by_role("link", name="People").click()
        await row.get_by_role("button", name="Change").click()
        await dialog.get_by_role("button", name="Remove").click()
        await expect(row).to_have_count(0)
        for status in ("403", "422"):
            watched.forgive(status)
        watched.assert_clean()


async def test_the_dashboard_shows_what_happens_without_a_reload(place: Place, browser: Browser) -> None:
    async with place.signed_in(browser, "/dashboard") as watched, place.signed_in(browser, "/chat") as other:
        page = watched.page
        await expect(page.get_by_role("status")).to_have_text("Live")
        await expect(page.get_by_role("region", name="Health")).to_contain_text("ok")
        await ask(other.page, f"a long story {script(slow_answer(400, 60.0))}")
        running = page.get_by_role("region", name="Running")
        await expect(running.get_by_role("link")).to_have_text("1")
        await expect(running).to_contain_text("ada")
        await expect(page.get_by_role("group", name="Newest messages")).to_contain_text("a long story")
        await other.page.keyboard.press("Escape")
        await expect(running.get_by_role("link")).to_have_text("0")
        report = {"type": "agent_status_update", "agent": "scout", "status": "reading"}
        headers = {"Authorization": f"Bearer {place.token}"}
        await page.request.post(f"{place.url}/api/agents/events", headers=headers, data=report)
        await expect(page.get_by_role("row").filter(has_text="scout")).to_contain_text("reading")
        await watched.assert_accessible()
        for name, address in (
            ("Running", "/messages?state=running"),
            ("Waiting", "/queue"),
            ("Open questions for you", "/approvals"),
            ("Failing deliveries", "/queue"),
            ("Spent today (UTC)", "/costs?days=7"),
            ("Health", "/dashboard/health"),
        ):
            await page.get_by_role("region", name=name, exact=True).get_by_role("link").click()
            await expect(page).to_have_url(place.url + address)
            if name == "Health":
                await expect(page.get_by_role("row", name="store works")).to_be_visible()
                await watched.assert_accessible()
            await page.get_by_role("link", name="Dashboard").first.click()
        watched.assert_clean()
        other.assert_clean()


async def test_at_twice_the_size_one_still_reads_and_writes_in_the_chat(place: Place, browser: Browser) -> None:
    half = ViewportSize(width=DESK["width"] // 2, height=DESK["height"] // 2)  # what a zoom of 200 % leaves
    async with place.signed_in(browser, "/chat", half) as watched:
        page = watched.page
        await ask(page, f"read this {script({'text': 'A short answer.'})}")
        await expect(page.locator(".xswarm-assistant .xswarm-text")).to_be_in_viewport()
        await expect(page.get_by_label("Message", exact=True)).to_be_in_viewport(ratio=1)
        await expect(page.get_by_role("button", name="Send")).to_be_in_viewport(ratio=1)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        watched.assert_clean()
