"""Records a project, lets it become read-only, and undoes: run by an ordinary user, since root writes everywhere."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from supervisor.undo.checkpoints.git import CheckpointFailed
from supervisor.undo.checkpoints.shadow import ShadowRepository


async def main(folder: Path) -> dict[str, str]:
    """Return why the undo is refused, what to do, and what is left in the file."""
    file = folder / "project" / "below" / "a"
    file.parent.mkdir(parents=True)
    shadow = ShadowRepository(folder / "project", folder / "shadow.git", max_file_bytes=100_000)
    file.write_text("1", encoding="utf-8")
    before = (await shadow.record("before")).commit
    file.write_text("2", encoding="utf-8")
    file.parent.chmod(0o555)
    try:
        after = (await shadow.record("after")).commit
        try:
            done = await shadow.revert(before, after, dry_run=False)
        except CheckpointFailed as refused:
            return {"why": str(refused), "remedy": refused.remedy, "left": file.read_text(encoding="utf-8")}
        return {"why": "", "remedy": "", "left": f"{done}"}
    finally:
        file.parent.chmod(0o755)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(main(Path(sys.argv[1]).resolve()))))
