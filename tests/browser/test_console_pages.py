"""The pages of the people who run the daemon: in Chromium, served by the real daemon with the offline model."""

from __future__ import annotations

import csv
import json
import re

import pytest
from playwright.async_api import Browser, expect

from tests.browser.console import Place

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
