"""The year of the demo, made once, and a copy of it for each test that writes."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from examples.residency.analysis.names import find_people
from examples.residency.analysis.swaps import find_swaps
from examples.residency.data.database import Database, create
from examples.residency.data.reading import Reader
from examples.residency.seed.year import make

TODAY = date(2026, 11, 30).toordinal()


@pytest.fixture(scope="session")
def made_year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the year of the demo; nobody writes to it."""
    path = tmp_path_factory.mktemp("residency") / "schedule.db"
    create(path, make(7, TODAY))
    return path


@pytest.fixture(scope="session")
def swap(made_year: Path) -> dict[str, Any]:
    """The arguments of Dr. Smith's best swap."""
    roster = Reader(Database(made_year)).roster()
    (smith,) = find_people(roster.people, "Smith")
    best = find_swaps(roster, smith.id, TODAY, 1).candidates[0]
    return {
        "person_id": smith.id,
        "shift_id": best.mine.id,
        "with_person_id": best.partner,
        "with_shift_id": None if best.theirs is None else best.theirs.id,
    }


@pytest.fixture
def year(made_year: Path, tmp_path: Path) -> Path:
    """A copy of the year for one test."""
    return Path(shutil.copy(made_year, tmp_path / "schedule.db"))
