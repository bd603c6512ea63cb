"""What the tests in a browser share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser import chromium
from tests.browser.site import MODULES, build_site, example


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the built project outside our tree: the program of the package's README."""
    chromium.found()  # without a browser nothing needs to be built
    assert MODULES.is_dir(), "node_modules is missing; `make front` installs it"
    return build_site(tmp_path_factory.mktemp("outside"), example())
