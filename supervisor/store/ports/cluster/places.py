"""The `PlaceStore` port: which node owns which place."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Protocol

OF_CHANNEL = "channel/"
"""Begins the names of the places of channels."""


class PlaceStore(Protocol):
    """Places: what one node alone works on at a time, such as the folder of a project. Their names are the caller's.

    A place belongs to the epoch that claimed it until it gives it up, or is dead.
    """

    async def claim(self, place: str, *, now_ms: int) -> bool:
        """Claim a place; False = it belongs to another node that lives."""

    async def release(self, place: str) -> None:
        """Give a place of this node up.

        With that of a channel go its replies: whoever claims it next finds out about those of unknown outcome, and
        those that were put back after an attempt are due.
        """

    async def of_others(self) -> AbstractSet[str]:
        """Return the places of other nodes that live."""

    async def owner(self, place: str) -> int | None:
        """Return the epoch of the other node that owns a place; None = no other node that lives."""
