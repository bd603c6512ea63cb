"""The questions of a chat about tool calls: shown to all its connections, and gone from all once one is answered."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from supervisor.people.identity import Caller
from supervisor.protocol import events
from supervisor.protocol.errors import ApprovalClosed, ApprovalNotFound, XswarmError
from supervisor.protocol.messages import CHAT, IN_CHAT, SessionId
from supervisor.protocol.times import rfc3339
from supervisor.store.ports.approvals import Approval
from supervisor.wires.chat.frames import Confirm, ConfirmRequest, ConfirmResolved, ServerFrame
from supervisor.wires.chat.rooms.services import RoomServices

GONE = "It has been answered already, or waits no longer."
"""What the person reads who answers a question too late."""


REMEMBERED = 100
"""The newest questions that were answered by a yes; until its call has run, a no of somebody else overrules it."""


class Questions:
    """The open questions of one chat.

    Args:
        broadcast: sends a frame to every connection of the chat.
    """

    def __init__(
        self, session_id: SessionId, services: RoomServices, broadcast: Callable[[ServerFrame], object]
    ) -> None:
        self._session_id = session_id
        self._services = services
        self._broadcast = broadcast
        self._open: dict[str, ConfirmRequest] = {}
        self._allowed: deque[str] = deque(maxlen=REMEMBERED)

    def open(self) -> list[ConfirmRequest]:
        """Return those that nobody has answered, oldest first."""
        return list(self._open.values())

    async def load(self, caller: Caller) -> None:
        """Read the questions that were asked before anybody had the chat open.

        Raises:
            StorageError: they cannot be read.
        """
        for approval in await self._services.approvals.open(caller):
            if approval.channel in IN_CHAT and approval.thread == self._session_id:
                self._open.setdefault(approval.id, _request(approval))

    def on_asked(self, event: events.ConfirmationAsked) -> None:
        """Show a question of this chat."""
        if event.approval_id not in self._open:
            asked = ConfirmRequest(
                id=event.approval_id,
                tool=event.tool,
                input=event.input,
                summary=event.summary,
                expires_at=event.expires_at,
            )
            self._open[asked.id] = asked
            self._broadcast(asked)

    def on_answered(self, event: events.ConfirmationAnswered) -> None:
        """Take a question away that waits no longer; tell of a no that overrules a yes too: its call is not run."""
        overruled = event.approval_id in self._allowed and event.decision == "deny" and event.by
        if self._open.pop(event.approval_id, None) is None and not overruled:
            return
        if event.decision == "allow":
            self._allowed.append(event.approval_id)
        elif overruled:
            self._allowed.remove(event.approval_id)
        self._broadcast(ConfirmResolved(id=event.approval_id, decision=event.decision, by=event.by))

    async def answer(self, caller: Caller, frame: Confirm) -> str:
        """Answer a question; return what the person must know who answered: empty = it is done.

        Raises:
            StorageError: the answer was not stored.
        """
        if frame.id not in self._open:
            return GONE
        try:
            await self._services.approvals.resolve(
                caller,
                frame.id,
                allow=frame.decision == "allow",
                channel=CHAT,
                minutes=frame.minutes or 0,
                note=frame.note or "",
            )
        except (ApprovalNotFound, ApprovalClosed):
            return GONE
        except XswarmError as error:
            return f"{error}. {error.remedy}".rstrip(". ")
        return ""


def _request(approval: Approval) -> ConfirmRequest:
    return ConfirmRequest(
        id=approval.id,
        tool=approval.tool,
        input=approval.input if approval.input is not None else {"call": approval.text},
        summary=approval.summary,
        expires_at=rfc3339(approval.expires_ms),
    )
