"""What the tests in a browser share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser import chromium
from tests.browser.console import CONFIG, Place
from tests.browser.site import MODULES, build_site, example
from tests.e2e.process import DaemonProcess


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the built project outside our tree: the program of the package's README."""
    chromium.found()  # without a browser nothing needs to be built
    assert MODULES.is_dir(), "node_modules is missing; `make front` installs it"
    return build_site(tmp_path_factory.mktemp("outside"), example())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One browser for the file."""
    async with chromium.chromium() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    """One daemon for the file."""
    folder = tmp_path_factory.mktemp("daemon")
    project = folder / "site"
    project.mkdir()
    async with DaemonProcess(folder, config=CONFIG.format(path=project), arguments=("--offline",)) as daemon:
        added = await daemon.xswarm("user", "add", "ada", "--role", "ADMIN", "--name", "Ada")
        assert added.code == 0, added
        token = (await daemon.xswarm("token", "jwt", "--user", "ada", "--json")).document["token"]
        yield Place(daemon, str(token), project)
