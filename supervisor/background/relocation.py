"""Lets what belongs to a project, and what people attached, follow folders that are not those of the last start."""

from __future__ import annotations

import logging
from pathlib import Path, PurePath

from supervisor.people.projects import Projects
from supervisor.protocol.times import Clock, now_ms
from supervisor.store.ports.people.uploads import UploadStore
from supervisor.store.ports.sessions import FolderStore
from supervisor.undo.checkpoints.git import CheckpointFailed
from supervisor.undo.recorder import Recorder

logger = logging.getLogger(__name__)


class Relocation:
    """Moves the sessions of a project and its recorded states to the project's present folder, uploads to `state.dir`.

    The recorded states move first and the database second. If the daemon dies in between, the next start moves what is
    left.

    Args:
        upload_folder: where the files that people attach lie now.
    """

    def __init__(
        self,
        folders: FolderStore,
        projects: Projects,
        recorder: Recorder,
        uploads: UploadStore,
        upload_folder: Path,
        clock: Clock = now_ms,
    ) -> None:
        self._folders = folders
        self._uploads = uploads
        self._upload_folder = upload_folder
        self._projects = projects
        self._recorder = recorder
        self._clock = clock

    async def run(self) -> None:
        """Let each project and each upload follow its folder; call it at the start, before the first session is read.

        Raises:
            StorageError: the store refused.
        """
        await self._follow_uploads()
        known = await self._folders.known()
        now = self._projects.folders()
        in_use = frozenset(now.values())
        for name, folder in now.items():
            before = known.get(name)
            if before == folder:
                continue
            if before is not None:
                for recorded in await self._folders.recorded(name):
                    await self._follow(recorded, before, folder, in_use)
            moved = await self._folders.move(name, folder, before=before, now_ms=self._clock())
            if moved:
                logger.info("project %s is in %s now; its sessions followed: %d", name, folder, moved)

    async def _follow_uploads(self) -> None:
        """Let the uploads that lie here now be found here; those of another node stay where they are."""
        outside = await self._uploads.outside(str(self._upload_folder))
        here = [one.id for one in outside if (self._upload_folder / one.id / one.name).exists()]
        if here:
            await self._uploads.move(str(self._upload_folder), here)
            logger.info("attached files are in %s now: %d", self._upload_folder, len(here))

    async def _follow(self, recorded: str, before: str, folder: str, in_use: frozenset[str]) -> None:
        """Let the recorded states of one folder follow it, where it moved with its project."""
        if not PurePath(recorded).is_relative_to(before):
            return
        to = PurePath(folder, PurePath(recorded).relative_to(before))
        try:
            await self._recorder.follow(recorded, str(to), copy=recorded in in_use)
        except (CheckpointFailed, OSError) as error:
            logger.error("the recorded states of %s did not follow: its turns cannot be undone: %s", recorded, error)
