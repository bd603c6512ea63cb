"""What every room uses of the daemon, and what it knows of a connection."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import field
from typing import Protocol

from supervisor.delivery.hub import Hub
from supervisor.operations.approvals import ApprovalOperations
from supervisor.operations.chats.chats import ChatOperations
from supervisor.people.identity import Directory
from supervisor.protocol.values.record import record
from supervisor.runtime.tasks import TaskSet
from supervisor.tools.people.book import PeopleBook
from supervisor.wires.chat.rooms.log import Numbered

STOP_SECONDS = 0.15
"""How long a stopped answer may take to end, in seconds. After that clients are told so before it has."""

Monotonic = Callable[[], float]
"""Returns seconds of a clock that never goes back."""


@record
class RoomServices:
    """The parts of the daemon that rooms use.

    Attributes:
        people: whom models know by references, and their person by names.
        tasks: what rooms do in the background; its owner ends them.
        stop_seconds: see `STOP_SECONDS`.
        clock: seconds of a clock that never goes back.
    """

    chats: ChatOperations
    approvals: ApprovalOperations
    hub: Hub
    directory: Directory
    people: PeopleBook = field(default_factory=PeopleBook)
    tasks: TaskSet = field(default_factory=TaskSet)
    stop_seconds: float = STOP_SECONDS
    clock: Monotonic = time.monotonic


class Member(Protocol):
    """One connection in a room."""

    @property
    def way(self) -> str:
        """How its person proved who they are: a `Way`."""

    @property
    def source(self) -> str:
        """The address that it comes from; empty = not known."""

    def post(self, frame: Numbered) -> None:
        """Send a frame after those before it; returns at once."""
