"""Admin: backup and check of the database."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel

from supervisor.protocol.errors import InvalidMessage
from supervisor.protocol.limits import Length
from supervisor.store.port import OpenDatabase
from supervisor.wires.rest.resource import Endpoint


class Backup(BaseModel):
    """The absolute path of the copy: a new file in an existing folder."""

    path: Annotated[str, Length(1, 4096)]


class DatabaseRoutes:
    """The routes of the database."""

    def __init__(self, database: OpenDatabase) -> None:
        self._database = database

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [Endpoint("POST", "/backup", self.backup), Endpoint("POST", "/check", self.check)]

    async def backup(self, body: Backup) -> dict[str, Any]:
        """Write a consistent copy of the database while it is in use."""
        path = _new_file(body.path)
        await self._database.backup(path)
        return {"path": body.path, "bytes": _size(path)}

    async def check(self) -> dict[str, Any]:
        """Check the whole database.

        `version` is given where it is older than the program, and its sums unchecked; `unchecked`, where the database
        has tools of its own for the rest.
        """
        answer: dict[str, Any] = {"problems": await self._database.check()}
        version, newest = await self._database.versions()
        if version != newest:
            answer["version"] = version
        if self._database.unchecked:
            answer["unchecked"] = self._database.unchecked
        return answer


def _new_file(text: str) -> Path:
    """Return the path of a backup.

    Raises:
        InvalidMessage: the path is not absolute, it exists, or its folder does not exist.
    """
    if not os.path.isabs(text) or "\0" in text:
        raise InvalidMessage("path", "must be absolute")
    path = Path(text)
    if os.path.lexists(path):
        raise InvalidMessage("path", "exists: name a new file")
    if not path.parent.is_dir():
        raise InvalidMessage("path", "its folder does not exist")
    return path


def _size(path: Path) -> int:
    return path.stat().st_size
