"""The audit trail is kept for some days, and its newest hash is noted each day."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from supervisor.background.audit import AuditKeeper
from supervisor.config import Audit
from supervisor.protocol.times import DAY_MS
from supervisor.store import SqliteStore, open_store
from tests.supervisor.store.builders import NOW, seal


class Keeping:
    """A store with an entry a day, and a clock that stands on the tenth day."""

    def __init__(self, store: SqliteStore, folder: Path) -> None:
        self.store = store
        self.file = folder / "anchors.txt"
        self.now = NOW + 10 * DAY_MS

    async def keep(self, **settings: object) -> None:
        """Do what is due."""
        audit = Audit(**({"anchor_file": str(self.file)} | settings))  # type: ignore[arg-type]
        store = self.store
        await AuditKeeper(store.audit, store.keys, store.outbox, audit, lambda: self.now).keep()

    def noted(self) -> list[str]:
        """Return the numbers of the entries whose hashes were noted."""
        return [line.split()[1] for line in self.file.read_text().splitlines()]


@pytest.fixture
async def keeping(tmp_path: Path) -> AsyncIterator[Keeping]:
    store = await open_store(tmp_path / "x.db", seal=seal)
    for day in range(10):
        await store.audit.record("cli", "note", {"day": day}, now_ms=NOW + day * DAY_MS)
    yield Keeping(store, tmp_path)
    await store.close()


async def test_entries_that_are_too_old_are_cut_off(keeping: Keeping) -> None:
    await keeping.keep(keep_days=4)
    (oldest, *_) = await keeping.store.audit.entries(after=0, limit=1)
    assert oldest.detail == {"day": 6}
    assert await keeping.store.audit.verify() is None


async def test_the_newest_hash_is_noted_once_a_day_before_anything_is_cut_off(keeping: Keeping) -> None:
    newest = await keeping.store.audit.last()
    for _ in range(2):
        await keeping.keep()
    keeping.now += DAY_MS
    await keeping.keep()
    assert keeping.noted()[0] == str(newest)
    assert len(keeping.noted()) == 2
    (entry,) = await keeping.store.audit.entries(after=newest - 1, limit=1)
    assert keeping.file.read_text().splitlines()[0].split()[2] == entry.mac.hex()
    assert keeping.file.stat().st_mode & 0o777 == 0o600


async def test_a_file_that_cannot_be_written_is_tried_again(keeping: Keeping, tmp_path: Path) -> None:
    missing = tmp_path / "volume" / "anchors.txt"
    await keeping.keep(anchor_file=str(missing))
    missing.parent.mkdir()
    await keeping.keep(anchor_file=str(missing))
    assert len(missing.read_text().splitlines()) == 1


async def test_the_newest_hash_goes_out_by_mail(keeping: Keeping) -> None:
    for _ in range(2):
        await keeping.keep(anchor_file="", anchor_mail=("Ops@Example.org",))
    (row,) = await keeping.store.outbox.due("mail", now_ms=keeping.now, limit=9)
    newest = await keeping.store.audit.last()
    (entry,) = await keeping.store.audit.entries(after=newest - 1, limit=1)
    assert row.to.value == "ops@example.org"
    assert f"{newest} {entry.mac.hex()}" in row.text
