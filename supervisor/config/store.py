"""`[store]`: which database the daemon keeps everything in."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from supervisor.protocol.errors import ConfigError

SCHEMES = ("postgresql", "postgres")

WANTED = "target_session_attrs"
"""The parameter of libpq that says which of several hosts is taken."""

PRIMARY = {"read-write", "primary"}
"""Its values with which that is the one that writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """The database.

    Attributes:
        url: of a PostgreSQL database, such as "postgresql://xswarm@db.example.org/xswarm", without a password; empty =
            SQLite, in a file in state.dir. It may name the hosts of a primary and its standbys, separated by commas,
            with `target_session_attrs=read-write`.
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
        hosts = parts.netloc.rpartition("@")[2].split(",")
        for host in hosts:
            _ = urlsplit(f"//{host}").port
    except ValueError:
        raise _refused("is no URL", "write it like postgresql://USER@HOST:PORT/DATABASE") from None
    if password is not None:
        raise _refused("must not have a password in it", "set XSWARM_STORE_PASSWORD or XSWARM_STORE_PASSWORD_FILE")
    if parts.scheme not in SCHEMES or not name:
        raise _refused(
            f"must be like postgresql://USER@HOST:PORT/DATABASE, not {storage.url!r}",
            "leave it out to use SQLite in state.dir",
        )
    if len(hosts) > 1 and not PRIMARY & set(parse_qs(parts.query).get(WANTED, ())):
        raise _refused(
            "names several hosts, and one that only reads could be taken",
            f"add ?{WANTED}=read-write to it, so that the primary is taken",
        )


def _refused(why: str, remedy: str) -> ConfigError:
    return ConfigError("store.url", why, remedy)
