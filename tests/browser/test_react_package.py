"""The packed React package in a project outside our tree, in Chromium, with a scripted server."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.chromium import DESK, PHONE, chromium, open_page
from tests.browser.site import node, serve_site
from tests.browser.stand_in import ChatStandIn
from tests.ports import free_port

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

TOKEN = "header.payload.signature"

CALL = {
    "type": "tool_call",
    "name": "residency__detect_conflicts",
    "id": "t1",
    "input": {"start_date": "2026-12-01", "end_date": "2026-12-31"},
}
RESULT = {"type": "tool_result", "id": "t1", "result": {"tool_name": CALL["name"], "content": "2 conflicts"}}
ARTIFACT = {"type": "artifact", "id": "t1", "kind": "analysis", "title": "Conflicts", "data": {"conflicts": 2}}
QUESTION = {
    "type": "confirm_request",
    "id": "c1",
    "tool": "residency__execute_swap",
    "input": {"shift": 7},
    "summary": "Swap shift 7",
    "expires_at": "2126-01-01T00:00:00Z",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One browser for the file."""
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(browser: Browser, site: Path) -> AsyncIterator[tuple[str, int]]:
    """The URL of the project outside, and the port where it looks for the chat."""
    port = free_port()
    async with serve_site(site, free_port(), f"http://127.0.0.1:{port}", lambda: TOKEN) as url:
        yield url, port


@pytest_asyncio.fixture(loop_scope="module")
async def server(address: tuple[str, int]) -> AsyncIterator[ChatStandIn]:
    """The scripted server."""
    async with ChatStandIn(address[1]) as running:
        yield running


SERVER_SIDE = """
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { ClaudeCodeChat, useChatSessions } from "@xswarm/react";
const Page = () => createElement(ClaudeCodeChat, { sessionId: useChatSessions().currentId ?? undefined });
process.stdout.write(renderToString(createElement(Page)));
"""


async def test_a_page_can_be_rendered_on_a_server(site: Path) -> None:
    page = node("node", "--input-type=module", "--eval", SERVER_SIDE, cwd=site.parent)
    assert 'aria-label="Conversation with the assistant"' in page


def token(text: str) -> Mapping[str, Any]:
    return {"type": "token", "content": text}


def complete(*message_ids: str) -> Mapping[str, Any]:
    return {"type": "complete", "usage": {}, "cost_usd": 0.01, "message_ids": message_ids}


async def ask(page: Page, text: str) -> None:
    """Write a message and send it with Enter."""
    await page.get_by_label("Message", exact=True).fill(text)
    await page.keyboard.press("Enter")


async def test_an_answer_comes_with_its_tool_and_its_artifact_under_a_strict_policy(
    browser: Browser, address: tuple[str, int], server: ChatStandIn
) -> None:
    async with open_page(browser, address[0]) as watched:
        page = watched.page
        await page.get_by_role("button", name="Are there any conflicts?").click()
        sent = await server.got("user_message")
        assert sent["content"] == "Are there any conflicts?"
        assert server.tokens == [TOKEN]
        await server.say(token("Let me look. "), CALL, RESULT, ARTIFACT, token("There are <b>two</b>."))
        await expect(page.get_by_text("There are <b>two</b>.", exact=True)).to_be_visible()
        await expect(page.get_by_role("button", name="Stop")).to_be_enabled()
        await server.say(complete("1"))
        await expect(page.get_by_role("button", name="Stop")).to_have_count(0)
        await expect(page.get_by_role("status").filter(has_text="Let me look. There are")).to_have_count(1)
        await page.get_by_text("residency__detect_conflicts").click()
        await expect(page.get_by_text('"start_date": "2026-12-01"')).to_be_visible()
        await expect(page.get_by_role("button", name="Open Conflicts")).to_be_visible()
        await watched.assert_accessible()
        watched.assert_clean()


async def test_a_lost_connection_and_a_reload_lose_and_double_nothing(
    browser: Browser, address: tuple[str, int], server: ChatStandIn
) -> None:
    async with open_page(browser, address[0]) as watched:
        page = watched.page
        await ask(page, "tell me")
        await server.got("user_message")
        await server.say(token("One "))
        await expect(page.get_by_text("One ")).to_be_visible()
        await page.get_by_label("Message", exact=True).fill("half a sent")
        await server.cut()
        await server.say(token("two "))
        await expect(page.get_by_text("One two ")).to_be_visible()
        await page.reload()
        await server.got("resume", 2)
        await server.say(token("three"), complete("1"))
        await expect(page.get_by_text("One two three", exact=True)).to_be_visible()
        await expect(page.locator(".xswarm-user")).to_have_count(1)
        assert await page.get_by_label("Message", exact=True).input_value() == "half a sent"
        watched.assert_clean()


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["dark", "light"])
async def test_a_question_is_read_and_answered_by_keyboard(
    browser: Browser, address: tuple[str, int], server: ChatStandIn, viewport: Any, scheme: Any
) -> None:
    async with open_page(browser, address[0], viewport) as watched:
        page = watched.page
        await page.emulate_media(color_scheme=scheme)
        await ask(page, "swap")
        await server.got("user_message")
        await server.say(token("I may do this:"), QUESTION)
        question = page.get_by_role("region", name="The assistant asks: Swap shift 7")
        await expect(question).to_contain_text('"shift": 7')
        await watched.assert_accessible()
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        await question.get_by_label("Note (optional)").fill("fine")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        assert await server.got("confirm") == {"type": "confirm", "id": "c1", "decision": "allow", "note": "fine"}
        await server.say({"type": "confirm_resolved", "id": "c1", "decision": "allow", "by": "ada"}, complete("1"))
        await expect(question).to_have_count(0)
        watched.assert_clean()


async def test_escape_stops_an_answer_wherever_the_focus_is(
    browser: Browser, address: tuple[str, int], server: ChatStandIn
) -> None:
    async with open_page(browser, address[0]) as watched:
        page = watched.page
        await ask(page, "long")
        await server.got("user_message")
        await server.say(token("Once upon"))
        await page.get_by_role("region", name="Messages").focus()
        await page.keyboard.press("Escape")
        await server.got("interrupt")
        await server.say({"type": "interrupted", "message": "Generation stopped by user", "partial_response": True})
        await expect(page.locator(".xswarm-assistant")).to_contain_text(re.compile("Once upon.*Stopped"))
        watched.assert_clean()


async def test_enter_that_ends_a_composition_sends_nothing(
    browser: Browser, address: tuple[str, int], server: ChatStandIn
) -> None:
    async with open_page(browser, address[0]) as watched:
        page = watched.page
        field = page.get_by_label("Message", exact=True)
        await field.focus()
        # As an input method does: Chromium takes the composition by its own protocol.
        protocol = await page.context.new_cdp_session(page)
        await protocol.send("Input.imeSetComposition", {"text": "にほん", "selectionStart": 3, "selectionEnd": 3})
        await protocol.send(
            "Input.dispatchKeyEvent", {"type": "rawKeyDown", "key": "Enter", "windowsVirtualKeyCode": 229}
        )
        await protocol.send("Input.insertText", {"text": "日本"})
        await expect(field).to_have_value("日本")
        await server.connected()
        await page.keyboard.press("Enter")
        assert (await server.got("user_message"))["content"] == "日本"
        assert [frame["type"] for frame in server.received].count("user_message") == 1
        watched.assert_clean()


async def test_the_view_stays_where_its_reader_is(
    browser: Browser, address: tuple[str, int], server: ChatStandIn
) -> None:
    async with open_page(browser, address[0]) as watched:
        page = watched.page
        await ask(page, "long")
        await server.got("user_message")
        await server.say(token("line\n" * 20))
        scroller = page.get_by_role("region", name="Messages")
        answer = page.locator(".xswarm-assistant")
        await server.say(token("line\n" * 200 + "last line\n"))
        await expect(answer).to_contain_text("last line")
        await expect(page.get_by_role("button", name="To the newest message")).to_have_count(0)
        # A long answer stays with its top in sight.
        await expect(answer.locator(".xswarm-author")).to_be_in_viewport()
        await scroller.evaluate("element => { element.scrollTop = element.scrollHeight }")
        await scroller.evaluate("element => { element.scrollTop = 300 }")
        await expect(page.get_by_role("button", name="To the newest message")).to_be_visible()
        before = await answer.bounding_box()
        await server.say(token("line\n" * 50), complete("1"))
        await expect(page.get_by_role("button", name="Stop")).to_have_count(0)
        after = await answer.bounding_box()
        assert before is not None
        assert after is not None
        assert after["y"] == before["y"]
        await page.get_by_role("button", name="To the newest message").click()
        await expect(page.get_by_role("button", name="To the newest message")).to_have_count(0)
        watched.assert_clean()


async def test_two_tabs_of_one_browser_show_one_conversation(
    browser: Browser, address: tuple[str, int], server: ChatStandIn
) -> None:
    async with open_page(browser, address[0]) as watched:
        await server.connected()
        other = await watched.page.context.new_page()
        await other.goto(address[0])
        await server.connected(2)
        await ask(watched.page, "tell me")
        mine = await server.got("user_message")
        written = {"type": "user_message", "id": "1", "by": "ada", "content": "tell me"}
        await server.say({**written, "external_id": mine["external_id"]}, token("both see it"), complete("1"))
        for page in (watched.page, other):
            await expect(page.locator(".xswarm-message")).to_have_count(2)
            await expect(page.locator(".xswarm-assistant")).to_contain_text("both see it")
        watched.assert_clean()


async def test_what_a_model_writes_runs_nothing(
    browser: Browser, address: tuple[str, int], server: ChatStandIn
) -> None:
    evil = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>[a](javascript:1)"
    async with open_page(browser, address[0]) as watched:
        page = watched.page
        await ask(page, evil)
        await server.got("user_message")
        called = {**CALL, "name": evil, "input": {"evil": evil}}
        await server.say(token(evil), called, {**ARTIFACT, "title": evil}, {**QUESTION, "summary": evil}, complete("1"))
        await expect(page.locator(".xswarm-assistant .xswarm-text")).to_have_text(evil)
        assert await page.title() == "Outside"
        assert await page.locator("main img, main script, main a").count() == 0
        watched.assert_clean()
