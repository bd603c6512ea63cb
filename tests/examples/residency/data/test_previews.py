"""A write needs a preview of the same edits at the same version."""

from __future__ import annotations

from pathlib import Path

from examples.residency.data.edits import Edit
from examples.residency.data.journal import Actor
from examples.residency.data.previews import Previews
from tests.examples.residency.small import stored, work

ALICE = Actor(id="alice", name="Alice")
EDITS = (Edit(work(0, 7, 8), None),)


def test_a_preview_is_known_by_its_edits_and_version(tmp_path: Path) -> None:
    database, _ = stored(tmp_path, work(0, 7, 8))
    previews = Previews(database)
    assert not previews.was_shown(EDITS, version=1)
    preview_id = previews.add(EDITS, version=1, tool="apply_changes", actor=ALICE)
    assert previews.was_shown(EDITS, version=1)
    assert not previews.was_shown(EDITS, version=2)
    assert not previews.was_shown((Edit(work(1, 7, 8), None),), version=1)
    preview = previews.get(preview_id)
    assert preview is not None
    assert (preview.version, preview.tool, preview.edits) == (1, "apply_changes", EDITS)
    assert previews.get("p-nothing") is None


def test_a_preview_is_forgotten_after_a_week(tmp_path: Path) -> None:
    database, _ = stored(tmp_path)
    previews = Previews(database)
    old = previews.add(EDITS, version=1, tool="apply_changes", actor=ALICE)
    with database.writing() as connection:
        connection.execute("UPDATE previews SET at_s = at_s - 8 * 86400")
    previews.add((), version=1, tool="apply_changes", actor=ALICE)
    assert previews.get(old) is None
