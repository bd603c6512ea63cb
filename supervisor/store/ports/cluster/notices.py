"""The port `Notices`: what the other nodes that use the database have committed."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple, Protocol


class Topic(StrEnum):
    """What a notice is about; its value names one of them."""

    WORK = "work"
    """A lane has a new turn: its project, which may be empty, a blank, and the lane."""
    ENDED = "ended"
    """A message has ended: its id."""
    STOPPED = "stopped"
    """The running turn of a lane is to end: the lane."""
    APPROVAL = "approval"
    """A question about a tool call was decided: its id."""
    ACCOUNTS = "accounts"
    """Users, tokens or sign-ins have changed: empty."""
    PEOPLE = "people"
    """More people are known in a conversation, or more of their names: its scope."""
    REPLIES = "replies"
    """A channel has replies to deliver: its name."""


class Notice(NamedTuple):
    """What another node has committed."""

    topic: Topic
    value: str


Hear = Callable[[Notice | None], None]
"""Gets each notice; None = some may have been missed."""


class Notices(Protocol):
    """Tells what other nodes have committed. It is a hint: one may be lost, so that everybody looks now and then."""

    def listen(self, hear: Hear) -> None:
        """Call `hear` in the event loop for each notice of another node, until the store is closed.

        It must be quick, and must not raise. The first call says that some may have been missed.
        """
