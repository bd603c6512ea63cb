"""The console in a browser: a daemon, a person who signs in, and what they write."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect

from tests.browser.chromium import DESK, Watched, open_page
from tests.e2e.process import DaemonProcess
from tests.slowness import scaled
from tests.waiting import until

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
    """A daemon with an administrator, and the token that they paste.

    Attributes:
        project: the folder in which Claude Code works, and asks before each change.
    """

    def __init__(self, daemon: DaemonProcess, token: str, project: Path) -> None:
        self.daemon = daemon
        self.url = daemon.addresses["http"]
        self.token = token
        self.project = project

    @asynccontextmanager
    async def signed_in(self, browser: Browser, path: str, viewport: ViewportSize = DESK) -> AsyncIterator[Watched]:
        """Open a page, and sign in there."""
        async with open_page(browser, self.url + path, viewport) as watched:
            await watched.page.get_by_label("Or paste a token").fill(self.token)
            await watched.page.get_by_role("button", name="Sign in").click()
            await expect(watched.page.get_by_role("button", name="Sign out")).to_be_visible()
            yield watched


async def tools_work(daemon: DaemonProcess, name: str) -> None:
    """Wait until a tool server is connected."""
    url, headers = f"{daemon.addresses['http']}/api/admin/tools", {"Authorization": f"Bearer {daemon.token}"}
    async with httpx.AsyncClient(trust_env=False, timeout=scaled(30.0), headers=headers) as client:

        async def works() -> bool:
            listed = (await client.get(url)).json()["servers"]
            return any(server["name"] == name and server["works"] for server in listed)

        await until(works, f"the tool server {name} works", 60.0, interval=0.05)


async def ask(page: Page, text: str) -> None:
    """Write a message and send it with Enter."""
    await page.get_by_label("Message", exact=True).fill(text)
    await page.keyboard.press("Enter")


def dollars(shown: str) -> float:
    """Return the amount that a page shows, such as "$1,234.56", in dollars."""
    return float(shown.removeprefix("$").replace(",", ""))


def to_the_cent(amount: float) -> Any:
    """Return what equals each amount that this one, in dollars, is shown as; half a cent may be rounded either way."""
    return pytest.approx(amount, abs=0.005 + 1e-9)
