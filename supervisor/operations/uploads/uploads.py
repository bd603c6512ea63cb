"""Files that people attach to messages: taken within limits, kept in state.dir until they are sent or reaped."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
from pathlib import Path

from supervisor.cluster.files import Files
from supervisor.config import Uploads
from supervisor.operations.uploads.media_types import media_type_of
from supervisor.protocol.errors import InvalidMessage, NotAllowed, XswarmError
from supervisor.protocol.text.amounts import counted
from supervisor.protocol.times import Clock, now_ms
from supervisor.runtime.umask import write_private
from supervisor.store.ports.people.uploads import Upload, UploadStore
from supervisor.store.records.accounts import User

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
"""The form of an id: a UUID that the client makes, so that a repeated request stores one file."""

MAX_NAME = 100
"""Most characters of a name."""

_UNSAFE = re.compile(r"[^\w.()+ -]")


class UploadRefused(XswarmError):
    """A file that is not taken: too large, too many, or of a type that is not wanted."""

    def __init__(self, code: str, why: str, remedy: str = "") -> None:
        super().__init__(why)
        self.code = code
        self.why = why
        self.remedy = remedy

    def __str__(self) -> str:
        return f"The file was not taken: {self.why}"


class UploadOperations:
    """Takes files of users, and gives them back to their owner.

    Args:
        folder: where each file gets a folder of its own, named by its id; mode 0700, files 0600.
        files: finds those that other nodes have taken.
    """

    def __init__(
        self, store: UploadStore, folder: Path, files: Files, settings: Uploads, clock: Clock = now_ms
    ) -> None:
        self._store = store
        self._folder = folder
        self._files = files
        self._settings = settings
        self._clock = clock
        self._lock = asyncio.Lock()  # the number of unsent files is counted and changed by one request at a time

    @property
    def max_bytes(self) -> int:
        """The size of the largest file that is taken."""
        return self._settings.max_mb * 1_000_000

    async def put(self, user: User, upload_id: str, name: str, content: bytes) -> Upload:
        """Store a file; the same one under the same id is stored once.

        Raises:
            NotAllowed: the role may not write messages, or the id is that of another file.
            InvalidMessage: the id has another form.
            UploadRefused: over a limit, or of a type that is not wanted.
        """
        if not user.role.may_prompt:
            raise NotAllowed(f"role {user.role} may not attach files")
        if not ID.fullmatch(upload_id):
            raise InvalidMessage("upload_id", "must be a UUID in lower case")
        if len(content) > self.max_bytes:
            raise UploadRefused("too_large", f"it is larger than {self._settings.max_mb} MB")
        media_type = media_type_of(content)
        if media_type not in self._settings.types:
            raise UploadRefused("not_allowed", f"its type is {media_type}", f"send {', '.join(self._settings.types)}")
        plain = safe_name(name)
        upload = Upload(
            id=upload_id,
            user_id=user.id,
            name=plain,
            media_type=media_type,
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            path=str(self._folder / upload_id / plain),
            created_ms=self._clock(),
        )
        async with self._lock:
            if (known := await self._store.get(upload_id)) is not None:
                if (known.user_id, known.sha256, known.name) != (user.id, upload.sha256, upload.name):
                    raise NotAllowed(f"the id {upload_id}", "make another one for another file")
                return known
            if len(await self._store.unsent(user.id)) >= self._settings.files:
                why = f"{counted(self._settings.files, 'file')} of yours may wait to be sent, and no more"
                raise UploadRefused("rate_limited", why, "send them, or remove one")
            await asyncio.to_thread(write_private, Path(upload.path), content)
            await self._store.add(upload)
        return upload

    async def get(self, user: User, upload_id: str) -> Upload:
        """Return a file of a user.

        Raises:
            NotAllowed: the user has no such file.
        """
        found = await self._store.get(upload_id)
        if found is None or found.user_id != user.id:
            raise NotAllowed(f"the file {upload_id}")
        return found

    async def content(self, user: User, upload_id: str) -> tuple[Upload, bytes]:
        """Return a file of a user with its content, whichever node has taken it.

        Raises:
            NotAllowed: the user has no such file.
            FileAway: the node that has taken it cannot be asked.
            FileGone: it is nowhere.
        """
        found = await self.get(user, upload_id)
        path = await self._files.local(found)
        return found, await asyncio.to_thread(path.read_bytes)

    async def remove(self, user: User, upload_id: str) -> None:
        """Delete a file that was not sent.

        Raises:
            NotAllowed: the user has no such file, or has sent it.
        """
        found = await self.get(user, upload_id)
        async with self._lock:
            if found.id not in [one.id for one in await self._store.unsent(user.id)]:
                raise NotAllowed(f"removing {upload_id}: a message carries it")
            await asyncio.to_thread(shutil.rmtree, Path(found.path).parent, ignore_errors=True)
            await self._store.forget([found.id])


def safe_name(name: str) -> str:
    """Return the name of a file without folders, control characters and leading dots."""
    plain = _UNSAFE.sub("_", os.path.basename(name.replace("\\", "/"))).strip(" .")
    stem, suffix = os.path.splitext(plain)
    return (stem[: MAX_NAME - len(suffix[:20])] + suffix[:20]).strip() or "file"
