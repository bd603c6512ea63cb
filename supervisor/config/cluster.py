"""`[node]` and `[cluster]`: several daemons on one PostgreSQL database."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from re import Pattern
from urllib.parse import urlsplit

from supervisor.protocol.errors import ConfigError

LEASE_SECONDS = (2.0, 120.0)
"""The shortest and the longest lease, in seconds."""

EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - to ask for the address by which others reach it
"""What can be listened on, and not be dialled."""

TO_USE_IT = "set store.url to a PostgreSQL database, or leave it out"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkConfig:
    """Where the other nodes reach this one for live events and for acts on its processes.

    Attributes:
        host: the address to listen on, in the network of the nodes; empty = no link.
        port: required with a host.
    """

    host: str = ""
    port: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeConfig:
    """This daemon among those of its cluster.

    Attributes:
        name: different on each node; empty = the name of the machine.
        labels: what `projects.NAME.nodes` may say in place of the name, e.g. "gpu".
        url: where the others reach the link, as "ws://10.0.0.1:9900"; empty = `link.host` and `link.port`.
        standby: serve only while no node lives that joined earlier.
        lease_seconds: how long the others take this node for alive after its last sign, in seconds; the same on all.
    """

    name: str = ""
    labels: tuple[str, ...] = ()
    url: str = ""
    standby: bool = False
    lease_seconds: float = 10.0
    link: LinkConfig = field(default_factory=LinkConfig)

    @property
    def link_url(self) -> str:
        """Where the other nodes reach the link; empty = nowhere."""
        if self.url or not self.link.host:
            return self.url
        host = f"[{self.link.host}]" if ":" in self.link.host else self.link.host
        return f"ws://{host}:{self.link.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterConfig:
    """What the nodes share besides the database.

    Attributes:
        shared_dir: a folder that all nodes see at this path, for the checkpoints of the projects with `everywhere` and
            for files that people attach; absolute, or relative to config.toml; empty = none.
    """

    shared_dir: str = ""


def check_cluster(
    node: NodeConfig,
    cluster: ClusterConfig,
    places: Mapping[str, tuple[Collection[str], bool]],
    *,
    on_postgres: bool,
    name: Pattern[str],
) -> None:
    """Check what is said about nodes.

    Args:
        places: `nodes` and `everywhere` of each project.
        name: the form of names.

    Raises:
        ConfigError: a value is invalid, or there is only one node because the database is SQLite.
    """
    if not on_postgres:
        _refuse_alone(node, cluster, places)
    for key, given in (("name", [node.name] if node.name else []), ("labels", node.labels)):
        for each in given:
            if not name.fullmatch(each):
                raise ConfigError(f"node.{key}", f"must match {name.pattern}, not {each!r}")
    shortest, longest = LEASE_SECONDS
    if not shortest <= node.lease_seconds <= longest:
        raise ConfigError("node.lease_seconds", f"must be {shortest:g} to {longest:g}, not {node.lease_seconds}")
    _check_link(node)
    for project, (nodes, everywhere) in places.items():
        if nodes and everywhere:
            raise ConfigError(
                f"projects.{project}.everywhere", "cannot be true where nodes are named", "leave one of them out"
            )


def check_shared_dir(cluster: ClusterConfig, folders: Mapping[str, str]) -> None:
    """Check that agents do not work where the daemons keep their files.

    Args:
        folders: the path of each project, absolute.

    Raises:
        ConfigError: the folder that nodes share is a project's, or lies in it.
    """
    for project, folder in folders.items():
        if cluster.shared_dir and folder and Path(cluster.shared_dir).is_relative_to(folder):
            raise ConfigError(
                "cluster.shared_dir", f"lies in the folder of the project {project}", "choose one outside all projects"
            )


def _check_link(node: NodeConfig) -> None:
    if not 0 <= node.link.port <= 65535:
        raise ConfigError("node.link.port", f"must be 0 to 65535, not {node.link.port}")
    if bool(node.link.port) is not bool(node.link.host):
        raise ConfigError("node.link", "needs both host and port", "name an address of this machine and a port")
    if node.link.host in EVERY_ADDRESS and not node.url:
        raise ConfigError("node.url", f"must be set where node.link.host is {node.link.host}", "ws://ADDRESS:PORT")
    if node.url and not (_is_link(node.url) and node.link.host):
        raise ConfigError("node.url", "must be ws://HOST:PORT or wss://HOST:PORT, and needs node.link.host")


def _refuse_alone(node: NodeConfig, cluster: ClusterConfig, places: Mapping[str, tuple[Collection[str], bool]]) -> None:
    said = [
        ("node", node != NodeConfig()),
        ("cluster", cluster != ClusterConfig()),
        *((f"projects.{project}.nodes", bool(nodes)) for project, (nodes, _) in places.items()),
        *((f"projects.{project}.everywhere", everywhere) for project, (_, everywhere) in places.items()),
    ]
    for key, is_said in said:
        if is_said:
            raise ConfigError(key, "is for several nodes, and SQLite serves one", TO_USE_IT)


def _is_link(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("ws", "wss")
            and bool(parts.hostname)
            and parts.port is not None
            and "@" not in parts.netloc
            and not (parts.path.strip("/") or parts.query or parts.fragment)
        )
    except ValueError:
        return False
