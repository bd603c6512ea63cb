"""Files that people attach to messages: records of them, and T1's part."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet

from supervisor.protocol.conversation import Attachment
from supervisor.protocol.errors import NotAllowed
from supervisor.protocol.messages import UserId
from supervisor.store.engine import Database, Reader
from supervisor.store.ports.people.uploads import Upload
from supervisor.store.transaction import Row, Transaction

_SELECT = """
    SELECT u.id, u.user_id, u.name, u.media_type, u.size, u.sha256, u.path, u.created_ms, u.turn_id IS NOT NULL,
           coalesce(s.conversation_id, '')
    FROM uploads AS u LEFT JOIN turns AS t ON t.id = u.turn_id
    LEFT JOIN claude_code_sessions AS s ON s.number = t.session
"""
_GET = f"{_SELECT} WHERE u.id = ?"
_KNOWN = "SELECT id FROM uploads WHERE id IN (SELECT value FROM json_each(?))"
_UNSENT = f"{_SELECT} WHERE u.user_id = ? AND u.turn_id IS NULL ORDER BY u.created_ms, u.id"
_OLD = f"""
    {_SELECT} LEFT JOIN claude_code_sessions AS c ON c.number = t.chat
    WHERE u.turn_id IS NULL AND u.created_ms < :unsent_before_ms
       OR u.turn_id IS NOT NULL AND (u.created_ms < :sent_before_ms OR c.deleted_ms IS NOT NULL)
"""
_FORGET = "DELETE FROM uploads WHERE id IN (SELECT value FROM json_each(?))"
_ATTACH = """
    UPDATE uploads SET turn_id = :turn, position = :position WHERE id = :id AND user_id = :user
    AND (turn_id IS NULL OR turn_id IN (SELECT id FROM turns WHERE superseded_by = :turn))
"""
_OUTSIDE = f"{_SELECT} WHERE u.path <> CAST(:folder AS TEXT) || '/' || u.id || '/' || u.name"
_MOVE = """
    UPDATE uploads SET path = CAST(:folder AS TEXT) || '/' || id || '/' || name
    WHERE id IN (SELECT value FROM json_each(:ids))
"""
_OF_TURN = "SELECT id, name, media_type, size, path FROM uploads WHERE turn_id = ? ORDER BY position"


def attach(tx: Transaction, user_id: UserId, ids: Sequence[str], turn_id: int) -> Sequence[Attachment]:
    """Give a message its files, also those of messages that it replaces, in the order of the ids; part of T1.

    Raises:
        NotAllowed: the user has no such file, or a message carries it that is not replaced.
    """
    for position, upload_id in enumerate(ids):
        values = {"turn": turn_id, "id": upload_id, "user": user_id, "position": position}
        if not tx.execute(_ATTACH, values).rowcount:
            raise not_attachable(upload_id)
    rows = tx.execute(_OF_TURN, (turn_id,)) if ids else ()
    return tuple(Attachment(id=row[0], name=row[1], media_type=row[2], size=row[3], path=row[4]) for row in rows)


def not_attachable(upload_id: str) -> NotAllowed:
    """Return the error of a file that a message cannot carry; it tells nothing about the files of others."""
    return NotAllowed(f"the attached file {upload_id}", "attach the file again")


class SqlUploads:
    """`UploadStore` over a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, upload: Upload) -> bool:
        """Record a file; False = a file has this id already."""
        columns = ("id", "user_id", "name", "media_type", "size", "sha256", "path", "created_ms")
        row = {name: getattr(upload, name) for name in columns}

        def work(tx: Transaction) -> bool:
            if tx.one("SELECT 1 FROM uploads WHERE id = ?", (upload.id,)) is not None:
                return False
            tx.insert("uploads", row)
            detail = {"upload": upload.id, "type": upload.media_type, "size": upload.size, "sha256": upload.sha256}
            tx.record(upload.user_id, "upload.added", detail, upload.created_ms)
            return True

        return await self._database.write(work)

    async def get(self, upload_id: str) -> Upload | None:
        """Return a file; None = there is none."""
        return next(iter(await self._all(_GET, (upload_id,))), None)

    async def known(self, ids: Collection[str]) -> AbstractSet[str]:
        """Return which of some files are recorded."""
        given = (json.dumps(list(ids)),)
        return await self._database.read(lambda connection: {found for (found,) in connection.execute(_KNOWN, given)})

    async def unsent(self, user_id: UserId) -> Sequence[Upload]:
        """Return the files of a user that no message carries yet."""
        return await self._all(_UNSENT, (user_id,))

    async def old(self, *, unsent_before_ms: int, sent_before_ms: int) -> Sequence[Upload]:
        """Return the files that are to be deleted."""
        return await self._all(_OLD, {"unsent_before_ms": unsent_before_ms, "sent_before_ms": sent_before_ms})

    async def outside(self, folder: str) -> list[Upload]:
        """Return the files that do not lie in a folder."""
        return await self._all(_OUTSIDE, {"folder": folder})

    async def move(self, folder: str, ids: Sequence[str]) -> None:
        """Let files lie in a folder."""
        given = {"folder": folder, "ids": json.dumps(list(ids))}
        await self._database.write(lambda tx: tx.execute(_MOVE, given))

    async def forget(self, ids: Sequence[str]) -> None:
        """Delete the records of files."""
        await self._database.write(lambda tx: tx.execute(_FORGET, (json.dumps(list(ids)),)))

    async def _all(self, sql: str, values: tuple[str, ...] | Mapping[str, int | str]) -> list[Upload]:
        def work(connection: Reader) -> list[Upload]:
            return [_upload(row) for row in connection.execute(sql, values)]

        return await self._database.read(work)


def _upload(row: Row) -> Upload:
    return Upload(
        id=row[0],
        user_id=row[1],
        name=row[2],
        media_type=row[3],
        size=row[4],
        sha256=row[5],
        path=row[6],
        created_ms=row[7],
        sent=bool(row[8]),
        conversation_id=row[9],
    )
