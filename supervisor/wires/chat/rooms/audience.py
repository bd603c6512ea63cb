"""The connections of one chat, and the frames that they get."""

from __future__ import annotations

from supervisor.wires.chat.frames import ServerFrame
from supervisor.wires.chat.rooms.log import FrameLog, Numbered
from supervisor.wires.chat.rooms.services import Member


class Audience:
    """Sends frames to the connections of a chat, each with the next number.

    Attributes:
        log: the frames that a connection may ask for again.
        members: the connections, in the order in which they came.
    """

    def __init__(self, log: FrameLog) -> None:
        self.log = log
        self.members: dict[Member, None] = {}

    def broadcast(self, frame: ServerFrame, *, but: Member | None = None) -> Numbered:
        """Send a frame to everybody but one, and keep it; return it as it was sent."""
        kept = self.log.keep(frame)
        for member in self.members:
            if member is not but:
                member.post(kept)
        return kept

    def announce(self, frame: ServerFrame, *, but: Member | None = None) -> None:
        """Send everybody but one a frame that is soon out of date, and is not kept."""
        passing = self.log.passing(frame)
        for member in self.members:
            if member is not but:
                member.post(passing)

    def tell(self, member: Member, frame: ServerFrame) -> None:
        """Send a frame to one connection only."""
        member.post(self.log.passing(frame))
