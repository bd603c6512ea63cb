"""Debian's Chromium, driven by playwright: it reaches loopback only, and a page in it may break no rule."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, Request, ViewportSize, async_playwright, expect

from tests.slowness import scaled

PATIENCE_SECONDS = 60.0
"""How long playwright waits for a fact on a page."""

ARGUMENTS = (
    "--no-sandbox",  # Chromium's own sandbox needs a user that is not root
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)

AXE = Path(__file__).resolve().parents[2] / "node_modules/axe-core/axe.min.js"

DESK = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)


def found() -> str:
    """Return the path of Chromium; skip the test where there is none, but never in CI."""
    path = shutil.which("chromium")
    if path is None:
        missing = "chromium is not installed; on Debian: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return path


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run the browser; each page has a context of its own, so that no two tests share a storage."""
    path = found()
    expect.set_options(timeout=milliseconds(PATIENCE_SECONDS))
    async with async_playwright() as playwright:
        # Chromium ends with its pipe: no process is left behind, however the test ends.
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS, timeout=milliseconds(60.0))
        try:
            yield browser
        finally:
            await browser.close()


class Watched:
    """A page whose errors are remembered: what it logs as an error, throws, or what its policy refuses.

    Attributes:
        complaints: what was wrong, in order.
        outside: requests to another host than this machine.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.outside: list[str] = []
        page.on("console", self._logged)
        page.on("pageerror", lambda error: self.complaints.append(f"thrown: {error}"))
        page.on("request", self._asked)

    def assert_clean(self) -> None:
        """Fail where the page broke a rule."""
        assert not self.complaints + self.outside, self.complaints + self.outside

    async def assert_accessible(self) -> None:
        """Fail where axe finds a violation on the page as it is."""
        await self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = await self.page.evaluate(
            "axe.run().then(({violations}) => violations.map(({id, nodes}) => [id, ...nodes.map(({html}) => html)]))"
        )
        assert found == [], found

    def forgive(self, part: str) -> None:
        """Forget complaints that a test has caused on purpose."""
        self.complaints = [complaint for complaint in self.complaints if part not in complaint]

    def forgive_lost_connection(self) -> None:
        """Forget what Chromium says after a test ended the daemon.

        A request may be cut at any of its steps, and each has words of its own.
        """
        for part in ("net::ERR_", "WebSocket connection to"):
            self.forgive(part)

    def _logged(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        host = request.url.partition("://")[2].partition("/")[0].partition(":")[0]
        if request.url.startswith(("http", "ws")) and host not in ("127.0.0.1", "localhost"):
            self.outside.append(request.url)


@asynccontextmanager
async def open_page(browser: Browser, url: str, viewport: ViewportSize = DESK) -> AsyncIterator[Watched]:
    """Open a URL in a context of its own."""
    context = await browser.new_context(viewport=viewport)
    context.set_default_timeout(milliseconds(PATIENCE_SECONDS))
    try:
        watched = Watched(await context.new_page())
        await watched.page.goto(url)
        yield watched
    finally:
        await context.close()


def milliseconds(seconds: float) -> float:
    """Return a deadline for playwright, scaled for this machine."""
    return scaled(seconds) * 1000
