"""What a copy of the database tells about itself."""

from __future__ import annotations

from pathlib import Path

from supervisor.protocol.errors import StorageError
from supervisor.protocol.values.record import record


@record
class Copied:
    """A copy that is complete: every row of both databases was compared.

    Attributes:
        tables, rows: how many there are.
        problems: a sentence each: what `db check` and `audit verify` say about the old and the new database alike.
        file: where the SQLite database is now; no daemon opens it by accident and sends its waiting replies again.
    """

    tables: int
    rows: int
    problems: list[str]
    file: Path


class NotCopied(StorageError):
    """The database was not copied: nothing of it is in the other one, and the file stays as it is."""

    code = "not_copied"

    def __init__(self, why: str, remedy: str = "") -> None:
        super().__init__(why, remedy or "run the command again: it begins anew")

    def __str__(self) -> str:
        return f"The database was not copied: {self.why}"
