"""Deletes files that people attached to messages: what was never sent, what is old, what belongs to a deleted chat."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from supervisor.config import Uploads
from supervisor.protocol.conversation import HANDED_OVER
from supervisor.protocol.times import DAY_MS, Clock, now_ms
from supervisor.store.ports.people.uploads import Upload, UploadStore

UNSENT_MS = DAY_MS
"""How long a file waits to be sent, in milliseconds."""

BATCH = 500
"""So many files are looked up at a time."""


class UploadKeeper:
    """Deletes files that nobody needs, with the copies that sessions of Claude Code got.

    A node cannot reach all copies of a file: another one may have fetched it, or handed it over. Each deletes its own
    as soon as the store does not know the file any more.

    Args:
        folders: each holds a folder for each file.
    """

    def __init__(
        self, store: UploadStore, state_dir: Path, folders: Sequence[Path], settings: Uploads, clock: Clock = now_ms
    ) -> None:
        self._store = store
        self._state_dir = state_dir
        self._folders = folders
        self._settings = settings
        self._clock = clock

    async def keep(self) -> None:
        """Delete what is due: first the content, then the record, so that a crash leaves no content without one.

        Raises:
            StorageError: the records could not be read or written; the next call does it again.
        """
        now = self._clock()
        old = await self._store.old(
            unsent_before_ms=now - UNSENT_MS, sent_before_ms=now - self._settings.keep_days * DAY_MS
        )
        if old:
            await asyncio.to_thread(self._delete, old)
            await self._store.forget([upload.id for upload in old])
        unchanged = await asyncio.to_thread(self._unchanged, now - UNSENT_MS)
        ids = list(unchanged)
        for some in (ids[begin : begin + BATCH] for begin in range(0, len(ids), BATCH)):
            known = await self._store.known(some)
            # The others were never recorded, or another node has deleted them.
            for folder in (copy for upload_id in some if upload_id not in known for copy in unchanged[upload_id]):
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def _unchanged(self, before_ms: int) -> Mapping[str, Sequence[Path]]:
        """Return the folders of files that have not changed since a time, by the id of the file."""
        found: dict[str, list[Path]] = {}
        homes = _inside(self._state_dir / "sessions")
        for parent in (*self._folders, *(home / HANDED_OVER for home in homes)):
            for folder in _inside(parent):
                with suppress(OSError):  # another node may delete it meanwhile
                    if folder.stat().st_mtime * 1000 < before_ms:
                        found.setdefault(folder.name, []).append(folder)
        return found

    def _delete(self, old: Sequence[Upload]) -> None:
        for upload in old:
            shutil.rmtree(Path(upload.path).parent, ignore_errors=True)
            if upload.conversation_id:
                home = self._state_dir / "sessions" / upload.conversation_id
                shutil.rmtree(home / HANDED_OVER / upload.id, ignore_errors=True)


def _inside(folder: Path) -> Sequence[Path]:
    try:
        return list(folder.iterdir())
    except OSError:  # it is not there
        return ()
