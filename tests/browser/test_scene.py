"""What a new administrator does, from the first line in the terminal to the audit trail, with the real Claude Code."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.chromium import chromium, milliseconds, open_page
from tests.browser.test_sign_in import add_authenticator, add_passkey
from tests.e2e.process import DaemonProcess
from tests.e2e.world import World, script, write_file
from tests.slowness import scaled

pytestmark = [
    pytest.mark.browser,
    pytest.mark.e2e,
    pytest.mark.cli_process,
    pytest.mark.asyncio(loop_scope="module"),
]

IN_A_TERMINAL = """
import os, pty, signal, sys
stderr = os.dup(2)
child, terminal = pty.fork()
if child == 0:
    os.dup2(stderr, 2)
    os.execvp(sys.argv[1], sys.argv[1:])
signal.signal(signal.SIGTERM, lambda number, _: os.kill(child, number))
try:
    while part := os.read(terminal, 4096):
        os.write(1, part)
except OSError:
    pass  # the terminal is closed: its program has ended
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
"""Runs a command whose stdout is a terminal, and copies what it prints."""


@pytest_asyncio.fixture(loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One browser."""
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A daemon in a terminal, started again after its first user was added."""
    async with World(tmp_path, prefix=(sys.executable, "-c", IN_A_TERMINAL)) as world:
        await world.start()
        assert await world.daemon.stop() == 0
        await world.daemon.start()
        yield world


async def printed_link(daemon: DaemonProcess, user: str) -> str:
    """Return the link that a daemon has printed in its terminal."""
    process = daemon._process
    assert process is not None
    assert process.stdout is not None
    async with asyncio.timeout(scaled(30.0)):
        line = (await process.stdout.readline()).decode().strip()
    assert line.startswith(f"Sign in as {user} (the link works once, for 10 minutes): http://localhost:"), line
    return line.rpartition(" ")[2]


async def happened(page: Page) -> list[str]:
    """Return the events that the page of the audit trail shows of signing in and of the question, oldest first."""
    shown = [await row.inner_text() for row in await page.get_by_role("table").get_by_role("row").all()]
    found = (re.search(r"(signin\.\w+|passkey\.added|approval\.(asked|allowed))", row) for row in shown)
    return [event[1] for event in found if event is not None][::-1]


async def test_from_the_printed_link_to_an_approval_and_the_trail(world: World, browser: Browser) -> None:
    async with open_page(browser, await printed_link(world.daemon, "alice")) as watched:
        page = watched.page
        await add_authenticator(page)
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await expect(page.locator("#told")).to_have_text("Alice is signed in.")
        await add_passkey(page)
        await page.get_by_role("button", name="Sign out").click()
        await page.get_by_role("button", name="Sign in with a passkey").click()
        await expect(page.locator("#told")).to_have_text("Alice is signed in.")

        path = world.folder / "outside.txt"
        task = script(write_file(path, "as the text said"), {"text": "That was outside.txt."})
        assert await world.text(f"@site write outside.txt: {task}") == 200
        question = await world.answer("needs your passphrase behind the code")
        await page.get_by_role("link", name="Open the console").click()
        pages = page.get_by_role("navigation", name="Pages")
        await pages.get_by_role("link", name="Approvals").click()
        card = page.get_by_role("listitem").filter(has_text="outside.txt")
        await expect(card).to_contain_text("alice", timeout=milliseconds(60.0))
        code = await card.locator("dd", has_text=re.compile(r"^[A-Z]{5}$")).inner_text()
        assert code in question
        assert not path.exists()
        await card.get_by_role("button", name="Yes", exact=True).click()
        await world.answer("That was outside.txt.")
        assert path.read_text(encoding="utf-8") == "as the text said"

        await pages.get_by_role("link", name="Audit").click()
        await expect(page.get_by_role("table")).to_contain_text("approval.allowed")
        assert await happened(page) == [
            "signin.link_made",
            "signin.ok",
            "passkey.added",
            "signin.ended",
            "signin.ok",
            "approval.asked",
            "approval.allowed",
        ]
        await page.get_by_role("button", name="Verify the chain").click()
        await expect(page.get_by_role("status")).to_have_text(re.compile(r"Intact: entries 1 to \d+\."))
    ended = await world.daemon.xswarm("audit", "verify")
    assert ended.code == 0, ended
