"""The year of the demo, made once, and a copy of it for each test that writes."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from examples.residency.data.database import create
from examples.residency.seed.year import make

TODAY = date(2026, 11, 30).toordinal()


@pytest.fixture(scope="session")
def made_year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the year of the demo; nobody writes to it."""
    path = tmp_path_factory.mktemp("residency") / "schedule.db"
    create(path, make(7, TODAY))
    return path


@pytest.fixture
def year(made_year: Path, tmp_path: Path) -> Path:
    """A copy of the year for one test."""
    return Path(shutil.copy(made_year, tmp_path / "schedule.db"))
