"""The `ResourceStore` port: which node owns which resource."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Protocol

OF_CHANNEL = "channel/"
"""Begins the names of the resources of channels."""


class ResourceStore(Protocol):
    """Resources: what one node alone works on at a time, such as the folder of a project. Their names are the caller's.

    A resource belongs to the epoch that claimed it, until that epoch releases it or dies.
    """

    async def claim(self, resource: str, *, now_ms: int) -> bool:
        """Claim a resource; False = another node that lives owns it."""

    async def release(self, resource: str) -> None:
        """Release a resource of this node.

        With that of a channel go its replies: whoever claims it next finds out about those of unknown outcome, and
        those that were put back after an attempt are due.
        """

    async def of_others(self) -> AbstractSet[str]:
        """Return the resources of other nodes that live."""

    async def owner(self, resource: str) -> int | None:
        """Return the epoch of the other node that owns a resource; None = no other node that lives."""
