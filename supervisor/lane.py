"""A lane: what runs one turn at a time, and what this process knows of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from supervisor.protocol.messages import ProjectName
from supervisor.protocol.ports import Conversation
from supervisor.running import Running
from supervisor.store.records import Turn


@dataclass(slots=True)
class Lane:
    """What runs one turn at a time.

    Attributes:
        name: a session's id, or "assistant/<user>/<thread>".
        waiting: turns that it was told of and has not started; None = look until nothing is left.
        started: a turn that T1 has started already.
        starting: it waits for a process, not for a turn.
    """

    name: str
    project: ProjectName
    waiting: int | None = 0
    started: Turn | None = None
    starting: bool = False
    running: Running | None = None
    conversation: Conversation | None = None
    task: asyncio.Task[None] | None = None
    writes: set[asyncio.Task[None]] = field(default_factory=set)
