"""Undoes a turn that opened folders which nobody could read: run by an ordinary user, since root reads everything."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from supervisor.undo.checkpoints.shadow import ShadowRepository

MODES = {"closed": 0o000, "inner/closed": 0o000, "listed": 0o444}
"""Folders before the turn: not to be read, the same in a repository of its own, to be listed and not entered."""


async def main(folder: Path) -> dict[str, object]:
    """Return what is named as left out, and what an undo leaves in each folder."""
    project = folder / "project"
    (project / "inner/.git/refs").mkdir(parents=True)
    (project / "inner/.git/objects").mkdir()
    (project / "inner/.git/HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8")
    for name, mode in MODES.items():
        (project / name).mkdir(parents=True)
        (project / name / "data").write_text("precious", encoding="utf-8")
        (project / name).chmod(mode)
    shadow = ShadowRepository(project, folder / "shadow.git")
    before = await shadow.record("before")
    for name in MODES:
        (project / name).chmod(0o755)
    (project / "made").write_text("by the turn", encoding="utf-8")
    after = await shadow.record("after")
    await shadow.revert(before.commit, after.commit, dry_run=False)
    left = sorted(str(file.relative_to(project)) for file in project.rglob("*") if file.name in ("data", "made"))
    return {"left_out": [one.path for one in before.left_out], "left": left}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(main(Path(sys.argv[1]).resolve()))))
