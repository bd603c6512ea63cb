"""What a node says of itself when it joins: its name, and where the lock of its state.dir is."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Collection
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from uuid import uuid4

from supervisor.cluster.keys import key_checks
from supervisor.config import Config, NodeConfig
from supervisor.runtime.credentials import Credentials, kept_private
from supervisor.runtime.lock import LOCK_FILE
from supervisor.runtime.peers.proc import Unknowable
from supervisor.runtime.peers.sockets import own_addresses
from supervisor.store.ports.cluster.nodes import NewNode

logger = logging.getLogger(__name__)

NODE_ID = "node.id"
"""The file in state.dir that holds the id of the node."""

FOLDERS_SECONDS = 5.0
"""How long a start waits for the folders of projects, in seconds. The others hear later of those that come late."""

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def name_of(node: NodeConfig) -> str:
    """Return the name of this node."""
    return node.name or socket.gethostname()


def node_id(state_dir: Path) -> str:
    """Return the id of a node, made at the first use: it stays when the node is renamed.

    Raises:
        ConfigError: its file can be read by other users, is empty, or cannot be used.
    """
    return kept_private(state_dir / NODE_ID, str(uuid4()))


async def daemon_node(
    config: Config,
    credentials: Credentials,
    here: Callable[[], Collection[str]],
    *,
    seconds: float = FOLDERS_SECONDS,
) -> NewNode:
    """Return this node as its daemon joins; its state.dir is locked.

    Args:
        here: returns the projects whose folders it has; it may hang, as a folder on a network does.
        seconds: see `FOLDERS_SECONDS`.

    Raises:
        ConfigError: see `key_checks` and `node_id`.
    """
    projects: Collection[str] = ()
    if config.store.url:
        try:
            async with asyncio.timeout(seconds):
                projects = await asyncio.to_thread(here)
        except TimeoutError:
            logger.warning("a folder of a project does not answer; this node joins, and tells its projects later")
    keeper = node_id(config.state_dir) if config.store.url else ""
    return replace(new_node(config, credentials, projects), keeper=keeper)


def new_node(config: Config, credentials: Credentials | None = None, projects: Collection[str] = ()) -> NewNode:
    """Return this node; its state.dir is locked.

    Args:
        credentials: whose keys are compared with those of the others; None = they are not.
        projects: whose folders it has; a node that stands by serves none.
    """
    node = config.node
    return NewNode(
        name=name_of(node),
        seat=_seat(config.state_dir / LOCK_FILE),
        lease_seconds=node.lease_seconds,
        url=node.link_url,
        labels=node.labels,
        version=_version(),
        addresses=_addresses(),
        projects=() if node.standby else tuple(projects),
        keys=key_checks(credentials) if credentials is not None and config.store.url else None,
    )


def visitor(config: Config, credentials: Credentials | None = None) -> NewNode:
    """Return a node that joins for one request of the command line, beside whoever runs here."""
    return replace(new_node(config, credentials), name=f"{name_of(config.node)}~{os.getpid()}", seat="", url="")


def _seat(lock: Path) -> str:
    """Return what only daemons have in common that cannot hold their locks at the same time."""
    try:
        machine = BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:  # not Linux
        machine = socket.gethostname()
    try:
        found = lock.stat()
    except FileNotFoundError:  # without a lock, nobody knows that this process is dead
        return f"{machine}/{uuid4()}"
    return f"{machine}/{found.st_dev}/{found.st_ino}"


def _addresses() -> tuple[str, ...]:
    try:
        return tuple(own_addresses())
    except Unknowable:  # they are told later
        return ()


def _version() -> str:
    try:
        return version("xswarm")
    except PackageNotFoundError:
        return ""
