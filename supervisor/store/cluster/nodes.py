"""Which epochs live: those of the nodes that have a row. The rest of the store asks by `is_dead`."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping

from supervisor.store.engine import Database, Reader
from supervisor.store.ports.cluster.nodes import NewNode, Node, OneNode
from supervisor.store.transaction import Row

COLUMNS = "name, epoch, url, labels, version, until_ms, draining, projects, addresses, secrets"
_LIVE = f"SELECT {COLUMNS} FROM nodes ORDER BY epoch"
ADD = """
    INSERT INTO nodes (name, epoch, seat, until_ms, url, labels, version, projects, addresses, keeper)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


def is_dead(epoch: str = "epoch") -> str:
    """Return the condition that an epoch is over: nothing of its node is stored any more.

    Args:
        epoch: the column.
    """
    return f"{epoch} NOT IN (SELECT epoch FROM nodes)"


def row_of(node: NewNode, epoch: int, until_ms: int) -> Row:
    """Return the values for `ADD`."""
    told = [json.dumps(list(one)) for one in (node.labels, sorted(node.projects), node.addresses)]
    labels, projects, addresses = told
    return (node.name, epoch, node.seat, until_ms, node.url, labels, node.version, projects, addresses, node.keeper)


def to_nodes(rows: Iterable[Row], now_ms: int) -> list[Node]:
    """Return the nodes of rows with `COLUMNS`.

    Args:
        now_ms: by the clock that `until_ms` is of.
    """
    return [
        Node(
            name=name,
            epoch=epoch,
            url=url,
            labels=tuple(json.loads(labels)),
            version=version,
            left_ms=until - now_ms,
            draining=bool(draining),
            projects=None if projects is None else tuple(json.loads(projects)),
            addresses=tuple(json.loads(addresses or "[]")),
            secrets=None if secrets is None else json.loads(secrets),
        )
        for name, epoch, url, labels, version, until, draining, projects, addresses, secrets in rows
    ]


class SqlNodes:
    """`NodeStore` of a node that is alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def live(self) -> list[Node]:
        """Return the nodes whose rows stand, the one that joined first at the head."""
        return await self._database.read(self._live)

    async def renew(self) -> list[Node]:
        """Return the nodes: the lease of a node that is alone does not end."""
        return await self.live()

    async def tell(self, projects: Collection[str], addresses: Collection[str]) -> None:
        """Do nothing: there is no other that wants to know."""

    async def tell_secrets(self, checks: Mapping[str, int]) -> None:
        """Do nothing: there is no other that wants to know."""

    async def end_dead(self, *, now_ms: int) -> list[Node]:
        """Return none: there is no other."""
        return []

    def on_fenced(self, listener: Callable[[], None]) -> None:
        """Do nothing: no write is refused."""

    async def drain(self, name: str, *, by: str, now_ms: int) -> None:
        """Refuse: there is no other node that could go on."""
        raise OneNode

    async def fence(self, name: str, *, by: str, now_ms: int) -> None:
        """Refuse: there is no other node that could go on."""
        raise OneNode

    async def forget_keys(self, *, lost: bool, by: str, now_ms: int) -> None:
        """Refuse: a node alone has no keys in common with others."""
        raise OneNode

    async def standing(self) -> None:
        """Return None: there is no server."""

    def _live(self, connection: Reader) -> list[Node]:
        return to_nodes(connection.execute(_LIVE).fetchall(), 0)
