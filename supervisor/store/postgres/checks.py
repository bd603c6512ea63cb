"""What a server must be, or the daemon does not start on it."""

from __future__ import annotations

from supervisor.protocol.errors import ConfigError
from supervisor.store.postgres.connection import PgConnection

LEAST_VERSION = 150_000
"""PostgreSQL 15."""

UNCHECKED = "`pg_amcheck` of PostgreSQL checks the structure"
"""What the check of the database leaves to PostgreSQL's own tools."""

_SETTINGS = """
    SELECT current_setting('server_version_num'), current_setting('server_encoding'), current_setting('fsync'),
           current_setting('full_page_writes'), current_setting('server_version')
"""
_PID = "SELECT pg_backend_pid()"


def check_server(connection: PgConnection, another: PgConnection) -> None:
    """Check a server by two connections that are open at the same time.

    Raises:
        ConfigError: something about it would lose messages.
    """
    number, encoding, fsync, whole_pages, version = connection.execute(_SETTINGS).fetchone()
    if int(number) < LEAST_VERSION:
        raise refused(f"PostgreSQL {version} is too old", "use PostgreSQL 15 or newer")
    if encoding != "UTF8":
        raise refused(f"the database has the encoding {encoding}", "create it with ENCODING 'UTF8' TEMPLATE template0")
    for name, value in (("fsync", fsync), ("full_page_writes", whole_pages)):
        if value != "on":
            raise refused(
                f"{name} is {value} in PostgreSQL: a loss of power would destroy what was accepted",
                f"set {name} = on in postgresql.conf",
            )
    if connection.execute(_PID).fetchone() == another.execute(_PID).fetchone():
        raise refused(
            "two connections share one server process, as behind pgbouncer in transaction mode",
            "connect to PostgreSQL itself, or set pool_mode = session",
        )


def refused(why: str, remedy: str) -> ConfigError:
    """Return the error about a server or an address of one."""
    return ConfigError("store.url", why, remedy)
