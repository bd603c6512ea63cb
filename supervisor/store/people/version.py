"""A number that grows with each change of users, tokens and sign-ins, so that every node reads them again."""

from __future__ import annotations

from supervisor.store.engine import Reader
from supervisor.store.ports.cluster.notices import Topic
from supervisor.store.transaction import Transaction

_GET = "SELECT value FROM marks WHERE name = 'accounts_version'"
_RAISE = """
    INSERT INTO marks (name, value) VALUES ('accounts_version', 1)
    ON CONFLICT (name) DO UPDATE SET value = marks.value + 1
"""


def accounts_version(connection: Reader) -> int:
    """Return the number; 0 = nothing has changed since it is counted."""
    row = connection.execute(_GET).fetchone()
    return 0 if row is None else int(row[0])


def accounts_changed(tx: Transaction) -> None:
    """Raise the number, and tell the other nodes."""
    tx.execute(_RAISE)
    tx.notify(Topic.ACCOUNTS)
