"""Opens a database in PostgreSQL: one daemon at a time, a server that is fit, the version of this program, an epoch."""

from __future__ import annotations

from dataclasses import dataclass, field

from supervisor.protocol.errors import StorageError
from supervisor.store.postgres.checks import check_server
from supervisor.store.postgres.connection import PgConnection
from supervisor.store.postgres.migrate import migrate, versions

NODE_LOCK = 7_305_804_385_001
"""The advisory lock that the daemon holds while it runs; the next number is the lock of each write."""

_HOLD = f"SELECT pg_try_advisory_lock({NODE_LOCK})"
_RAISE_EPOCH = "UPDATE node SET epoch = epoch + 1 WHERE id = 1 RETURNING epoch"
_EPOCH = "SELECT epoch FROM node WHERE id = 1"


class DatabaseInUse(StorageError):
    """Another daemon works on the database, or has begun to since this one lost its connection."""

    def __init__(self) -> None:
        super().__init__("another daemon uses this database", "stop it first: one daemon at a time can use a database")


class DatabaseLost(StorageError):
    """The database is empty, but the secrets in state.dir show that there was one."""

    def __init__(self, shown: str) -> None:
        super().__init__(
            f"the database {shown} is empty, but the secrets in state.dir belong to one that was in use",
            "restore it from a backup of PostgreSQL; to begin anew, move the folder `secrets` of state.dir away",
        )


@dataclass(slots=True)
class Address:
    """Where a database is.

    Attributes:
        url: without the password.
        password: None = as libpq finds it, or none is needed.
        alone: hold the lock of the daemon; False is for tests of what a daemon may write that was taken over.
        epoch: of this start; 0 before it is known.
    """

    url: str
    password: str | None = field(default=None, repr=False)
    alone: bool = True
    epoch: int = 0

    def reader(self, name: str) -> PgConnection:
        """Open a connection that only reads."""
        connection = PgConnection(self.url, name, self.password)
        connection.script("SET default_transaction_read_only = on")
        return connection

    def first_writer(self, name: str) -> PgConnection:
        """Open the connection that writes, and hold the lock of the daemon by it.

        Raises:
            DatabaseInUse: another daemon holds it, or has held it since this one began.
        """
        connection = PgConnection(self.url, name, self.password)
        if not self.alone:
            return connection
        try:
            if not connection.execute(_HOLD).fetchone()[0]:
                raise DatabaseInUse
            if self.epoch and connection.execute(_EPOCH).fetchone() != (self.epoch,):
                raise DatabaseInUse
        except BaseException:
            connection.close()
            raise
        return connection


def prepared(connection: PgConnection, address: Address, *, used: bool) -> int:
    """Prepare the connection that writes: check the server, migrate the database, raise its epoch and return it.

    Raises:
        DatabaseLost: the database is empty, and `used` says that it was not.
        ConfigError: the server is not fit, or the database is newer than this program.
    """
    another = PgConnection(address.url, "xswarm check", address.password)
    try:
        check_server(connection, another)
    finally:
        another.close()
    current, _ = versions(connection)
    if used and not current:
        raise DatabaseLost(address.url)
    connection.script("BEGIN")
    try:
        migrate(connection)
        epoch = int(connection.execute(_RAISE_EPOCH).fetchone()[0])
        connection.script("COMMIT")
    except BaseException:
        if not connection.closed:
            connection.script("ROLLBACK")
        raise
    return epoch
