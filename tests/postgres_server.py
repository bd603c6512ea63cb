"""A PostgreSQL server of the tests: in a folder of its own, on a port of its own, never the one of the machine."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest

from tests.disks import small_disk
from tests.ports import free_port
from tests.waiting import wait_until

BINARIES = "/usr/lib/postgresql"
"""Where Debian keeps them: in a folder for each version."""

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "64MB",
    "max_connections": "60",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "log_min_messages": "fatal",
}
"""What makes it small. What makes it safe, such as fsync, stays: the daemon refuses a server without it."""


ACCESS = """
local all all trust
host replication all 127.0.0.1/32 trust
host all locked 127.0.0.0/8 scram-sha-256
host all all 127.0.0.0/8 trust
"""
"""Who may connect: the user `locked` needs a password."""


OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


class NoServer(Exception):
    """There is no PostgreSQL to start, and why."""


def binaries() -> Path:
    """Return the folder of the newest PostgreSQL of this machine.

    Raises:
        NoServer: it has none.
    """
    found = shutil.which("postgres")
    if found is not None:
        return Path(found).resolve().parent
    versions = sorted(Path(BINARIES).glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not versions:
        raise NoServer("PostgreSQL is not installed; on Debian: apt-get install postgresql")
    return versions[-1].parent


class PostgresServer:
    """A server, running or not.

    Args:
        command: what runs the programs of PostgreSQL, as its user.
        settings: of the server.

    Attributes:
        port: on loopback.
    """

    def __init__(self, folder: Path, port: int, command: list[str], settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.port = port
        self._command = command
        self._settings = {**settings, "port": str(port), "unix_socket_directories": str(folder)}

    def url(self, database: str, user: str = "xswarm") -> str:
        """Return the URL of a database."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str, template: str = "template0") -> str:
        """Create a database; return its URL."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {database} ENCODING 'UTF8' TEMPLATE {template}".encode())
        return self.url(database)

    @contextmanager
    def lent(self, database: str, template: str = "template0") -> Iterator[str]:
        """Create a database, yield its URL, and drop it with whatever is connected to it."""
        yield self.create(database, template)
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {database} WITH (FORCE)".encode())

    @property
    def runs(self) -> bool:
        """Whether it runs: on a full disk it may have ended itself."""
        command = [*self._command, "pg_ctl", "status", "-s", "-D", str(self.folder / "data")]
        return subprocess.run(command, stdout=subprocess.DEVNULL, cwd="/", check=False).returncode == 0

    def control(self, action: str, *arguments: str) -> None:
        """Start, stop or restart it, and wait until that is done."""
        options = " ".join(f"-c {name}={value}" for name, value in self._settings.items())
        paths = ["-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-o", options]
        self.run("pg_ctl", action, "-w", "-s", *paths, *arguments)

    def run(self, program: str, *arguments: str) -> None:
        """Run a program of PostgreSQL as the user of the server, and wait for its end."""
        subprocess.run([*self._command, program, *arguments], check=True, stdout=subprocess.DEVNULL, cwd="/")

    @contextmanager
    def running(self) -> Iterator[None]:
        """Start it, and end it without a farewell."""
        self.control("start")
        try:
            yield
        finally:
            if self.runs:
                self.control("stop", "-m", "immediate")


def wait_until_left(url: str) -> None:
    """Wait until the server has noticed that every client of a database is gone: a kill takes it a moment."""
    with psycopg.connect(url, autocommit=True) as connection:
        wait_until(lambda: connection.execute(OTHERS).fetchone() == (0,), "no other client is connected")


@contextmanager
def started_server(disk: str = "") -> Iterator[PostgresServer]:
    """Start a server; where there is none to start, skip the test and say why. CI demands one.

    Args:
        disk: size of a disk of its own, such as "160m"; empty = the server is on that of temporary files.
    """
    with skipped_without(), postgres_server(disk) as server:
        yield server


@contextmanager
def skipped_without() -> Iterator[None]:
    """Skip the test where no server can be started, and say why. CI demands one."""
    try:
        yield
    except NoServer as error:
        if os.environ.get("XSWARM_POSTGRES") == "required":
            raise
        pytest.skip(str(error))


@contextmanager
def postgres_server(disk: str = "", settings: Mapping[str, str] = SETTINGS) -> Iterator[PostgresServer]:
    """Start a server, and end it with its folder.

    Args:
        disk: as of `started_server`.

    Raises:
        NoServer: none can be started here.
    """
    with unused_server(disk, settings) as server:
        server.run("initdb", "-D", str(server.folder / "data"), "-U", "xswarm", "-A", "trust", "-E", "UTF8", "-N")
        (server.folder / "data" / "pg_hba.conf").write_text(ACCESS, encoding="utf-8")
        with server.running():
            yield server


@contextmanager
def unused_server(disk: str = "", settings: Mapping[str, str] = SETTINGS) -> Iterator[PostgresServer]:
    """Yield a server that has no data yet, and remove its folder at the end.

    PostgreSQL refuses to run as root: there it runs as the user postgres.

    Raises:
        NoServer: none can be started here.
    """
    where = binaries()
    folder = Path(mkdtemp(prefix="xswarm-postgres-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        command = _as_postgres(folder) if os.geteuid() == 0 else []
        if disk:
            stack.enter_context(small_disk(folder, disk))
        env = ["env", f"PATH={where}:{os.environ['PATH']}", "LC_ALL=C.UTF-8"]
        yield PostgresServer(folder, free_port(), [*command, *env], settings)


def _as_postgres(folder: Path) -> list[str]:
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        raise NoServer("there is no user postgres to run PostgreSQL as") from None
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
