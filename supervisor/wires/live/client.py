"""One page of the console: what it may know, what it shows, and what it has not been told yet."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from supervisor.people.identity import Caller
from supervisor.protocol import events
from supervisor.protocol.messages import UserId
from supervisor.store.records.session import Session
from supervisor.wires.chat.rooms.naming import Naming
from supervisor.wires.live.kinds import Kind, in_session, of_event

MOST_CHARACTERS = 65_536
"""How much of a running answer waits for a page; what is more is left out, since the whole answer follows."""


@dataclass(slots=True)
class Answer:
    """What a page has not been told of the running answer."""

    message_id: str
    pieces: list[str] = field(default_factory=list)
    characters: int = 0
    tool: str | None = None
    """The tool that was called last; empty = it has ended, None = nothing new."""


class LiveClient:
    """One page. What waits for it never grows beyond a bound, however slowly it reads.

    Attributes:
        caller: the person, who is a user.
        changed: set while something waits.
        session: that it shows; None = none.
        naming: reads its answers as the person does; None = references stay, since answers are to several people.
    """

    def __init__(self, caller: Caller, user_id: UserId) -> None:
        self.caller = caller
        self.user_id = user_id
        self.changed = asyncio.Event()
        self.session: Session | None = None
        self.naming: Naming | None = None
        self._kinds: set[Kind] = set()
        self._presence: dict[str, Any] | None = None
        self._answer: Answer | None = None

    def note(self, kinds: Iterable[Kind]) -> None:
        """Note changes."""
        self._kinds.update(kinds)
        if self._kinds:
            self.changed.set()

    def published(self, event: events.AnyEvent) -> None:
        """Note what an event of the hub changes in lists."""
        self.note(of_event(event, self.caller))

    def happened(self, event: events.AnyEvent) -> None:
        """Note what happened in the session that the page shows."""
        match event:
            case events.ClaudeCodeDelta(message_id=message_id, text=text):
                self._said(message_id, text)
            case events.ClaudeCodeTool(message_id=message_id, name=name, status=status):
                self._answer_to(message_id).tool = name if status == "started" else ""
                self.changed.set()
            case events.ClaudeCodeEnded(message_id=message_id):
                if self.naming is not None:
                    self.naming.rest(message_id)  # the whole answer is read again
                self.note(in_session(event))
            case _:
                self.note(in_session(event))

    def begin(self, message_id: str, text: str) -> None:
        """Note the answer that runs already, with its text so far."""
        self._said(message_id, text)

    def present(self, frame: dict[str, Any]) -> None:
        """Note who is there."""
        self._presence = frame
        self.changed.set()

    def forget_session(self) -> None:
        """Show no session any more."""
        self.session = self.naming = self._presence = self._answer = None

    def take(self) -> tuple[set[Kind], list[dict[str, Any]]]:
        """Return which lists have changed, and the other frames; begin anew."""
        kinds, self._kinds = self._kinds, set()
        presence, self._presence = self._presence, None
        answer, self._answer = self._answer, None
        self.changed.clear()
        frames = [] if presence is None else [presence]
        if answer is not None and self.session is not None:
            frames.append(
                {
                    "type": "answering",
                    "session_id": self.session.id,
                    "message_id": answer.message_id,
                    "text": "".join(answer.pieces),
                }
                | ({} if answer.tool is None else {"tool": answer.tool})
            )
        return kinds, frames

    def _said(self, message_id: str, text: str) -> None:
        if self.naming is not None and self.session is not None:
            text = self.naming.piece(message_id, self.session.id, text)
        answer = self._answer_to(message_id)
        if (room := MOST_CHARACTERS - answer.characters) > 0:
            piece = text[-room:]  # the end of a long answer that runs already, to which the next piece belongs
            answer.pieces.append(piece)
            answer.characters += len(piece)
        self.changed.set()

    def _answer_to(self, message_id: str) -> Answer:
        if self._answer is None or self._answer.message_id != message_id:
            self._answer = Answer(message_id)
        return self._answer
