"""The React package in a browser chats with the real daemon and the offline model."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.chromium import chromium, milliseconds, open_page
from tests.browser.site import serve_site
from tests.e2e.process import DaemonProcess
from tests.e2e.world import script, slow_answer, write_file
from tests.ports import free_port
from tests.slowness import scaled
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

USER = "ada"

CONFIG = """
[limits]
messages_per_minute = 1000
messages_per_hour = 1000

[projects.site]
path = "{path}"
users = ["ada"]
permissions = "ask"
"""


class Place:
    """A daemon with a user who may chat, and a page that chats with it.

    Attributes:
        daemon: the process.
        page: the URL of the page.
        project: the folder where Claude Code works for the user, who is asked before each change.
    """

    def __init__(self, daemon: DaemonProcess, page: str, token: str, project: Path) -> None:
        self.daemon = daemon
        self.page = page
        self.project = project
        self._token = token

    async def sessions(self) -> list[dict[str, Any]]:
        """Return the user's chats, as the REST interface shows them."""
        answer = await self._request("GET", "/api/claude-chat/sessions", self._token)
        return list(answer["sessions"])

    async def give_role(self, role: str) -> None:
        """Give the user another role."""
        body = {"name": "Ada", "role": role, "phones": [], "emails": []}
        await self._request("PUT", f"/api/admin/users/{USER}", self.daemon.token, body)

    async def _request(self, method: str, path: str, token: str, body: Any = None) -> Any:
        async with httpx.AsyncClient(trust_env=False, timeout=scaled(30.0)) as client:
            headers = {"Authorization": f"Bearer {token}"}
            answer = await client.request(method, self.daemon.addresses["http"] + path, headers=headers, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One browser for the file."""
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(browser: Browser, site: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    """A daemon and the page of another origin, which the daemon allows."""
    port, page_port = free_port(), free_port()
    folder = tmp_path_factory.mktemp("daemon")
    project = folder / "site"
    project.mkdir()
    daemon = DaemonProcess(
        folder,
        supervisor=f'port = 0\nallowed_origins = ["http://127.0.0.1:{page_port}"]',
        http=f"port = {port}",
        config=CONFIG.format(path=project),
        arguments=("--offline",),
    )
    async with daemon:
        added = await daemon.xswarm("user", "add", USER, "--role", "ADMIN", "--name", "Ada")
        assert added.code == 0, added
        token = str((await daemon.xswarm("token", "jwt", "--user", USER, "--json")).document["token"])
        async with serve_site(site, page_port, f"http://127.0.0.1:{port}", lambda: token) as url:
            yield Place(daemon, url, token, project)


async def ask(page: Page, text: str) -> None:
    """Write a message and send it with Enter."""
    await page.get_by_label("Message", exact=True).fill(text)
    await page.keyboard.press("Enter")


async def test_an_answer_is_stopped_another_one_comes_and_a_reload_shows_both(place: Place, browser: Browser) -> None:
    async with open_page(browser, place.page) as watched:
        page = watched.page
        answers = page.locator(".xswarm-assistant")
        await ask(page, f"tell me a long story {script(slow_answer(400, 60.0))}")
        await expect(answers).to_contain_text("w3 ")
        await page.get_by_role("button", name="Stop").click()
        await expect(answers.locator(".xswarm-state")).to_have_text("Stopped")
        await ask(page, f"and a short one {script({'text': 'The end.'})}")
        await expect(answers.nth(1)).to_contain_text("The end.")
        await expect(page.get_by_role("button", name="Stop")).to_have_count(0)

        await page.reload()
        await expect(answers.nth(0)).to_contain_text("w3 ")
        await expect(answers.nth(0).locator(".xswarm-state")).to_have_text("Stopped")
        await expect(answers.nth(1)).to_contain_text("The end.")
        await expect(page.locator(".xswarm-message")).to_have_count(4)
        (session,) = await place.sessions()
        assert session["message_count"] == 2  # it counts prompts
        watched.assert_clean()


@pytest.mark.browser
async def test_what_this_browser_has_forgotten_the_daemon_tells_again(place: Place, browser: Browser) -> None:
    async with open_page(browser, place.page) as watched:
        page = watched.page
        await ask(page, f"remember {script({'text': 'I do.'})}")
        await expect(page.locator(".xswarm-assistant")).to_contain_text("I do.")
        await expect(page.get_by_role("button", name="Stop")).to_have_count(0)
        session = await page.evaluate("JSON.parse(localStorage.getItem('xswarm:ada:current'))")
        await page.add_init_script(f"localStorage.removeItem('xswarm:ada:session:{session}')")
        await page.reload()
        await expect(page.locator(".xswarm-assistant")).to_contain_text("I do.")
        await expect(page.locator(".xswarm-message")).to_have_count(2)
        watched.assert_clean()


@pytest.mark.browser
async def test_two_tabs_show_one_conversation_also_when_a_message_is_changed(place: Place, browser: Browser) -> None:
    async with open_page(browser, place.page) as watched:
        page = watched.page
        await expect(page.get_by_text("Connecting")).to_have_count(0)
        other = await page.context.new_page()
        await other.goto(place.page)
        await ask(page, f"frist {script({'text': 'What?'})}")
        for tab in (page, other):
            await expect(tab.locator(".xswarm-assistant")).to_contain_text("What?")
        await page.get_by_role("button", name="Edit").click()
        await page.get_by_label("Edit").fill(f"first {script({'text': 'I see.'})}")
        await page.get_by_role("button", name="Ask again").click()
        for tab in (page, other):
            await expect(tab.locator(".xswarm-assistant")).to_contain_text("I see.")
            await expect(tab.get_by_role("button", name="Stop")).to_have_count(0)
            await expect(tab.locator(".xswarm-message")).to_have_count(2)
            await expect(tab.locator(".xswarm-user")).to_contain_text("first")

        async def is_seen() -> bool:
            await other.get_by_label("Message", exact=True).press_sequentially("a")
            return await page.get_by_text(f"{USER} writes").is_visible()  # for some seconds after each key only

        await until(is_seen, "the other tab shows that somebody writes", interval=0.2)
        watched.assert_clean()


@pytest.mark.browser
@pytest.mark.cli_process
@pytest.mark.parametrize("decision", ["Allow", "Deny"])
async def test_a_change_of_claude_code_is_asked_about_in_the_chat(
    place: Place, browser: Browser, decision: str
) -> None:
    target = place.project / f"{decision}.txt"
    async with open_page(browser, place.page) as watched:
        page = watched.page
        steps = script(write_file(target, "made in the chat"), {"text": "That was it."})
        await ask(page, f"claude: please {steps}")
        question = page.locator(".xswarm-confirmation")
        await expect(question).to_contain_text("made in the chat", timeout=milliseconds(60.0))
        await expect(page.get_by_role("status").filter(has_text="The assistant asks")).to_have_count(1)
        assert not target.exists()
        await question.get_by_role("button", name=decision).click()
        await expect(question).to_have_count(0)
        await expect(page.locator(".xswarm-assistant")).to_contain_text("That was it.")
        call = page.locator(".xswarm-tool summary")
        await expect(call).to_contain_text("Write")
        await expect(call).to_contain_text("done" if decision == "Allow" else "failed")
        assert target.exists() == (decision == "Allow")
        await expect(page.get_by_role("button", name="Stop")).to_have_count(0)
        await watched.assert_accessible()
        watched.assert_clean()


@pytest.mark.browser
async def test_a_killed_daemon_comes_back_and_the_chat_goes_on(place: Place, browser: Browser) -> None:
    async with open_page(browser, place.page) as watched:
        page = watched.page
        answers = page.locator(".xswarm-assistant")
        await ask(page, f"a story {script(slow_answer(40, 8.0))}")
        await expect(answers).to_contain_text("w3 ")
        await page.get_by_label("Message", exact=True).fill("half a sent")
        await place.daemon.stop(signal.SIGKILL)
        await expect(page.get_by_text("The connection was lost.")).to_be_visible()
        await place.daemon.start()
        await expect(answers).to_contain_text("w39")
        await expect(page.get_by_role("button", name="Stop")).to_have_count(0)
        await expect(page.locator(".xswarm-message")).to_have_count(2)
        assert await page.get_by_label("Message", exact=True).input_value() == "half a sent"
        assert "(started again after a restart)" in await answers.inner_text()
        watched.forgive_lost_connection()
        watched.assert_clean()


@pytest.mark.browser
async def test_a_message_that_was_written_while_the_daemon_was_down_arrives_once(
    place: Place, browser: Browser
) -> None:
    async with open_page(browser, place.page) as watched:
        page = watched.page
        await expect(page.get_by_text("Connecting")).to_have_count(0)
        await place.daemon.stop()
        await expect(page.get_by_text("The connection was lost.")).to_be_visible()
        await ask(page, f"are you there? {script({'text': 'I am.'})}")
        await expect(page.get_by_text("Not sent: it goes out when the connection is back")).to_be_visible()
        known = len(await page.locator(".xswarm-user").all())
        await place.daemon.start()
        await expect(page.locator(".xswarm-assistant")).to_contain_text("I am.")
        await expect(page.get_by_role("button", name="Stop")).to_have_count(0)
        await page.reload()
        await expect(page.locator(".xswarm-assistant")).to_contain_text("I am.")
        assert len(await page.locator(".xswarm-user").all()) == known == 1
        watched.forgive_lost_connection()
        watched.assert_clean()


@pytest.mark.browser
async def test_a_role_that_is_taken_away_ends_the_chat_with_a_sentence(place: Place, browser: Browser) -> None:
    async with open_page(browser, place.page) as watched:
        page = watched.page
        await expect(page.get_by_text("Connecting")).to_have_count(0)
        await place.give_role("OPERATOR")
        await expect(page.get_by_role("alert")).to_contain_text("Admin access required")
        await place.give_role("ADMIN")
        await page.get_by_role("button", name="Try now").click()
        await expect(page.get_by_role("button", name="Try now")).to_have_count(0)
        watched.assert_clean()
