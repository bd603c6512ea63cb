"""The console goes on by itself after a daemon that was killed is there again."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.console import CONFIG, Place, ask
from tests.e2e.process import DaemonProcess
from tests.e2e.world import script
from tests.ports import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module")
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """A daemon that keeps its port when it is started again."""
    project = tmp_path / "site"
    project.mkdir()
    config = CONFIG.format(path=project)
    daemon = DaemonProcess(tmp_path, config=config, http=f"port = {free_port()}", arguments=("--offline",))
    async with daemon:
        assert (await daemon.xswarm("user", "add", "ada", "--role", "ADMIN")).code == 0
        token = (await daemon.xswarm("token", "jwt", "--user", "ada", "--json")).document["token"]
        yield Place(daemon, str(token), project)


async def test_a_page_is_live_again_after_the_daemon_was_killed(place: Place, browser: Browser) -> None:
    async with place.signed_in(browser, "/dashboard") as watched, place.signed_in(browser, "/chat") as other:
        status = watched.page.get_by_role("status")
        await expect(status).to_have_text("Live")
        await expect(other.page.get_by_label("Message", exact=True)).to_be_visible()  # both pages are loaded
        await place.daemon.stop(signal.SIGKILL)
        await expect(status).to_contain_text("Not connected")
        await place.daemon.start()
        await expect(status).to_have_text("Live")
        await ask(other.page, f"are you there? {script({'text': 'Again.'})}")
        await expect(watched.page.get_by_role("group", name="Newest messages")).to_contain_text("are you there?")
        for page in (watched, other):
            page.forgive_lost_connection()
            page.assert_clean()
