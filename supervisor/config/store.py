"""`[store]`: which database the daemon keeps everything in."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from supervisor.protocol.errors import ConfigError

SCHEMES = ("postgresql", "postgres")


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """The database.

    Attributes:
        url: of a PostgreSQL database, such as "postgresql://xswarm@db.example.org/xswarm", without a password; empty =
            SQLite, in a file in state.dir.
    """

    url: str = ""


def check_store(storage: Storage) -> None:
    """Check the address of a database.

    Raises:
        ConfigError: it is none, or has a password in it.
    """
    if not storage.url:
        return
    try:
        parts = urlsplit(storage.url)
        password, name = parts.password, parts.path.strip("/")
        _ = parts.port
    except ValueError:
        raise _refused("is no URL", "write it like postgresql://USER@HOST:PORT/DATABASE") from None
    if password is not None:
        raise _refused("must not have a password in it", "set XSWARM_STORE_PASSWORD or XSWARM_STORE_PASSWORD_FILE")
    if parts.scheme not in SCHEMES or not name:
        raise _refused(
            f"must be like postgresql://USER@HOST:PORT/DATABASE, not {storage.url!r}",
            "leave it out to use SQLite in state.dir",
        )


def _refused(why: str, remedy: str) -> ConfigError:
    return ConfigError("store.url", why, remedy)
