"""The folders of projects, and the sessions and checkpoints that follow them."""

from __future__ import annotations

from supervisor.protocol.messages import ProjectName
from supervisor.store.engine import Database, Reader
from supervisor.store.transaction import Transaction

_KNOWN = "SELECT project, folder FROM project_folders"
_KEEP = """
    INSERT INTO project_folders (project, folder) VALUES (?, ?) ON CONFLICT (project) DO UPDATE SET
        folder = excluded.folder
"""
_RECORDED = """
    SELECT DISTINCT c.project_path FROM checkpoints AS c JOIN turns AS t ON t.id = c.turn_id WHERE t.project = ?
"""
# Not LIKE or GLOB, because the name of a folder may contain their wildcards.
_INSIDE = """(
    project_path = {0} OR substr(project_path, 1, length(rtrim({0}, '/')) + 1) = rtrim({0}, '/') || '/'
)"""
_MOVE = f"""
    SET project_path = rtrim(:folder, '/') || substr(project_path, length(rtrim(:before, '/')) + 1)
    WHERE {_INSIDE.format(":before")} AND (project_path = :before OR NOT {_INSIDE.format(":folder")})
"""
"""What is below both folders stays where it is: one of them contains the other, and nothing below it has moved."""
_MOVE_SESSIONS = f"UPDATE claude_code_sessions {_MOVE} AND project = :project"
_MOVE_LOST_SESSIONS = f"""
    UPDATE claude_code_sessions SET project_path = :folder
    WHERE project = :project AND NOT {_INSIDE.format(":folder")}
"""
_MOVE_CHECKPOINTS = f"""
    UPDATE checkpoints {_MOVE} AND turn_id IN (SELECT id FROM turns WHERE project = :project)
"""


class SqlFolders:
    """`FolderStore` over a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def known(self) -> dict[ProjectName, str]:
        """Return the folder of each project at the last start."""
        return await self._database.read(
            lambda connection: {ProjectName(name): folder for name, folder in connection.execute(_KNOWN)}
        )

    async def recorded(self, project: ProjectName) -> list[str]:
        """Return the folders in which turns of a project were recorded for undo."""

        def work(connection: Reader) -> list[str]:
            return [folder for (folder,) in connection.execute(_RECORDED, (project,))]

        return await self._database.read(work)

    async def move(self, project: ProjectName, folder: str, *, before: str | None, now_ms: int) -> int:
        """Let the sessions and checkpoints of a project follow it to another folder; return the number of sessions."""
        values = {"project": project, "folder": folder, "before": before}

        def work(tx: Transaction) -> int:
            moved = 0
            if before is not None:
                moved = tx.execute(_MOVE_SESSIONS, values).rowcount
                tx.execute(_MOVE_CHECKPOINTS, values)
            if not project.startswith("~"):
                moved += tx.execute(_MOVE_LOST_SESSIONS, values).rowcount
            tx.execute(_KEEP, (project, folder))
            if moved:
                tx.record("supervisor", "project.moved", {**values, "sessions": moved}, now_ms)
            return moved

        return await self._database.write(work)
