"""Inspects a database in PostgreSQL beside whoever uses it; it only reads."""

from __future__ import annotations

import psycopg

from supervisor.store.inspection import PEOPLE, Inspection, NoDatabase
from supervisor.store.money.disagreements import disagreements
from supervisor.store.postgres.checks import UNCHECKED, check_server
from supervisor.store.postgres.errors import storage_error
from supervisor.store.postgres.migrate import versions
from supervisor.store.postgres.opening import Address, DatabaseLost

__all__ = ["Address", "inspect"]


def inspect(address: Address, *, used: bool = False) -> Inspection:
    """Inspect a database and its server.

    Args:
        used: whether it has been used before, so that an empty one is a lost one.

    Raises:
        NoDatabase: it is empty.
        StorageError: the server cannot be reached, or the database is lost.
        ConfigError: the server is not fit, or a newer version wrote the database.
    """
    try:
        connection = address.reader("xswarm doctor")
        another = address.reader("xswarm doctor")
        try:
            check_server(connection, another)
            connection.script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            version, newest = versions(connection)
            if not version:
                raise DatabaseLost(address.url) if used else NoDatabase(address.url)
            problems = disagreements(connection) if version == newest else []
            users, reachable = connection.execute(PEOPLE).fetchone()
        finally:
            connection.close()
            another.close()
    except (psycopg.Error, OSError) as error:
        raise storage_error(error) from error
    return Inspection(
        version=version, newest=newest, problems=problems, users=users, reachable=reachable, unchecked=UNCHECKED
    )
