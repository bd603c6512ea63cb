"""What a program does to files itself, to take it back; what Claude Code did is taken back by the daemon."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xswarm_client import monitor
from xswarm_client.errors import XswarmError

logger = logging.getLogger(__name__)

LOG = "operations.json"
BACKUPS = "backups"

Operation = dict[str, Any]
"""id, type (create, modify, delete), filepath, timestamp, rolled_back, and hash and size before and after."""


class FileOperationLogger:
    """Keeps what was in files before the program changed them, below `log_dir`, and reports the changes.

    `rollback` takes the ids that the `log_` methods return, and those of `get_recent_operations` and of the daemon.

    Args:
        log_dir: for the list and the copies.
    """

    def __init__(self, log_dir: str = ".claude_logs") -> None:
        self.log_dir = Path(log_dir)
        self.backups_dir = self.log_dir / BACKUPS
        self.backups_dir.mkdir(parents=True, exist_ok=True)
        self._log = self.log_dir / LOG
        self.operations: list[Operation] = self._stored()

    def log_create(self, filepath: str, content: str) -> str:
        """Log that a file was created with a content; return the id of the operation."""
        return self._add("create", filepath, None, content)

    def log_modify(self, filepath: str, old_content: str, new_content: str) -> str:
        """Log that the content of a file was replaced; return the id of the operation."""
        return self._add("modify", filepath, old_content, new_content)

    def log_delete(self, filepath: str, content: str) -> str:
        """Log that a file was deleted that had a content; return the id of the operation."""
        return self._add("delete", filepath, content, None)

    def rollback(self, operation_id: str) -> bool:
        """Take an operation back; False = it is not taken back, and the log says why.

        A file that was changed since is left as it is. An operation of Claude Code is taken back by the daemon,
        together with all that the same turn did to files.
        """
        operation = next((one for one in self.operations if one["id"] == operation_id), None)
        try:
            if operation is None:
                monitor.current().roll_back(str(operation_id))
                return True
            if operation["rolled_back"]:
                logger.warning("%s: it was rolled back before", operation_id)
                return False
            self._restore(operation)
        except (OSError, ValueError, XswarmError) as error:
            logger.error("%s is not rolled back: %s", operation_id, error)
            return False
        operation["rolled_back"] = True
        self._save()
        self._report("file_rollback", operation_id=operation_id)
        return True

    def rollback_all(self, since: datetime | None = None) -> int:
        """Take the operations of this program back, newest first; return how many.

        Args:
            since: only those after this time, local where it has no zone; None = all.
        """
        first = since.astimezone(UTC) if since is not None else None
        count = 0
        for operation in reversed(self.operations):
            if not operation["rolled_back"] and (first is None or _time(operation) >= first):
                count += self.rollback(operation["id"])
        return count

    def get_recent_operations(self, limit: int = 10) -> list[Operation]:
        """Return the newest operations, oldest first: of this program, and of Claude Code where the daemon answers."""
        found = list(self.operations)
        try:
            done = monitor.current().file_operations(limit=min(max(limit, 1), 500))
            found += [{**operation, "id": str(operation["id"])} for operation in done]
        except XswarmError as error:
            logger.warning("the operations of Claude Code are not listed: %s", error)
        return sorted(found, key=_time)[-limit:] if limit > 0 else []

    def _add(self, kind: str, filepath: str, before: str | None, after: str | None) -> str:
        operation_id = f"{kind}_{uuid.uuid4()}"
        operation: Operation = {
            "id": operation_id,
            "type": kind,
            "filepath": os.path.abspath(filepath),
            "timestamp": datetime.now(UTC).isoformat(),
            "rolled_back": False,
            "before_hash": _hash(before),
            "after_hash": _hash(after),
            "before_size": _size(before),
            "after_size": _size(after),
        }
        if before is not None:
            _write(self.backups_dir / operation_id, before.encode("utf-8", "surrogatepass"))
        self.operations.append(operation)
        self._save()
        reported = {name: operation[name] for name in ("before_hash", "after_hash", "before_size", "after_size")}
        self._report(
            "file_operation",
            operation_id=operation_id,
            operation=kind,
            filepath=operation["filepath"],
            conversation_id=monitor.current().conversation_id,
            **reported,
        )
        return operation_id

    def _restore(self, operation: Operation) -> None:
        """Bring a file back to what it was.

        Raises:
            ValueError: it was changed since.
            OSError: it cannot be written, or the copy is lost.
        """
        path = Path(operation["filepath"])
        try:
            now: str | None = hashlib.sha256(path.read_bytes()).hexdigest()
        except FileNotFoundError:
            now = None
        if now != operation["after_hash"]:
            raise ValueError(f"{path} was changed since")
        if operation["before_hash"] is None:
            path.unlink()
        else:
            _write(path, (self.backups_dir / operation["id"]).read_bytes())

    def _report(self, kind: str, **fields: Any) -> None:
        try:
            monitor.current().report(kind, **fields)
        except XswarmError as error:
            logger.warning("%s is not reported: %s", fields["operation_id"], error)

    def _stored(self) -> list[Operation]:
        try:
            found = json.loads(self._log.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        return [one for one in found if isinstance(one, dict) and "id" in one] if isinstance(found, list) else []

    def _save(self) -> None:
        _write(self._log, json.dumps(self.operations, indent=2).encode())


def _write(path: Path, content: bytes) -> None:
    """Replace a file at once: whoever reads it finds the old or the new content."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        if path.exists():
            os.chmod(name, path.stat().st_mode & 0o7777)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _time(operation: Operation) -> datetime:
    return datetime.fromisoformat(str(operation["timestamp"])).astimezone(UTC)


def _hash(content: str | None) -> str | None:
    return None if content is None else hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def _size(content: str | None) -> int | None:
    return None if content is None else len(content.encode("utf-8", "surrogatepass"))
