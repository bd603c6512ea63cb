"""Opens a database in PostgreSQL: the server is fit, the version is this program's, and this node has joined."""

from __future__ import annotations

from dataclasses import dataclass, field

from supervisor.protocol.errors import ConfigError, StorageError
from supervisor.store.ports.cluster.nodes import ALONE, NewNode
from supervisor.store.postgres.checks import check_server
from supervisor.store.postgres.cluster.keys import compare_keys
from supervisor.store.postgres.cluster.nodes import join, others
from supervisor.store.postgres.cluster.standing import WRITE_LOCK
from supervisor.store.postgres.connection import PgConnection
from supervisor.store.postgres.migrate import migrate, takes_away, versions

CHANNEL = "xswarm"
"""By which the nodes tell one another what they have committed."""

_LOCK = f"SELECT pg_advisory_xact_lock({WRITE_LOCK})"
KEPT_COMMITS = 100
"""Of so many of the last starts the number of the last commit stays, as one of them may still ask for it."""

_FORGET_COMMITS = """
    DELETE FROM marks WHERE name LIKE 'commit %' AND CAST(substr(name, 8) AS BIGINT) <= ?
      AND CAST(substr(name, 8) AS BIGINT) NOT IN (SELECT epoch FROM nodes)
"""
_RAISE_EPOCH = "UPDATE node SET epoch = epoch + 1 WHERE id = 1 RETURNING epoch"


class DatabaseLost(StorageError):
    """The database is empty, but the secrets in state.dir show that there was one."""

    def __init__(self, shown: str) -> None:
        super().__init__(
            f"the database {shown} is empty, but the secrets in state.dir belong to one that was in use",
            "`xswarm db copy` moves the database of state.dir to it; or restore it from a backup of PostgreSQL; "
            "to begin anew, move the folder `secrets` of state.dir away",
        )


@dataclass(frozen=True, slots=True)
class Address:
    """Where a database is, and who opens it.

    Attributes:
        url: without the password.
        password: None = as libpq finds it, or none is needed.
        node: what this node says of itself.
        fenced: look before each group of writes whether this node lives; False is for tests of what else refuses the
            writes of one that was taken over.
    """

    url: str
    password: str | None = field(default=None, repr=False)
    node: NewNode = ALONE
    fenced: bool = True

    def connection(self, name: str) -> PgConnection:
        """Open a connection that may write."""
        return PgConnection(self.url, name, self.password)

    def reader(self, name: str) -> PgConnection:
        """Open a connection that only reads."""
        connection = self.connection(name)
        connection.script("SET default_transaction_read_only = on")
        return connection

    def listener(self, name: str) -> PgConnection:
        """Open a connection that hears what other nodes tell."""
        connection = self.reader(name)
        connection.script(f"LISTEN {CHANNEL}")
        return connection


def prepared(connection: PgConnection, address: Address, *, used: bool) -> int:
    """Prepare the connection that writes: check the server, migrate the database, join its nodes; return the epoch.

    Raises:
        DatabaseLost: the database is empty, and `used` says that it was not.
        ConfigError: the server is not fit, the database is newer than this program, or it is older and another node
            works on it, or another node has the name of this one, or its id, or other keys than this one.
    """
    another = address.connection("xswarm check")
    try:
        check_server(connection, another)
    finally:
        another.close()
    current, _ = versions(connection)
    if used and not current:
        raise DatabaseLost(address.url)
    connection.script("BEGIN")
    try:
        connection.script(_LOCK)
        current, newest = versions(connection)
        if current and current < newest and takes_away(current) and (names := others(connection, address.node)):
            raise _older(current, newest, names)
        migrate(connection)
        compare_keys(connection, address.node)
        epoch = int(connection.execute(_RAISE_EPOCH).fetchone()[0])
        connection.execute(_FORGET_COMMITS, (epoch - KEPT_COMMITS,))
        join(connection, address.node, epoch)
        connection.script("COMMIT")
    except BaseException:
        if not connection.closed:
            connection.script("ROLLBACK")
        raise
    return epoch


def _older(current: int, newest: int, names: list[str]) -> ConfigError:
    return ConfigError(
        "store.url",
        f"the database has version {current}, this program migrates it to {newest}, and other nodes use it: "
        f"{', '.join(names)}",
        "stop them first; they start again with this version of xswarm",
    )
