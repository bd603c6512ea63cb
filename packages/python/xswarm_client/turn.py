"""Which pushed frames belong to a prompt, and what they mean. Sans-I/O: no socket, no clock."""

from __future__ import annotations

from xswarm_client.events import Event, Frame, Question, Queued, Text, Tool, read


class Turn:
    """Follows one prompt of a session by the frames that the daemon pushes.

    A prompt that waits is announced with its `external_id`, and so gets its `message_id`. A prompt that starts at once
    is not: then the first turn that the session has not shown before is the one.

    Args:
        session_id: None = not known before the answer: of a message that the daemon routes.
        external_id: of the prompt.
        seen: the ids of the turns that the session has shown before; this turn's id is added.
    """

    def __init__(self, session_id: str | None, external_id: str, seen: set[str]) -> None:
        self.message_id: str | None = None
        self._session_id = session_id
        self._external_id = external_id
        self._seen = seen

    def event(self, frame: Frame) -> Event | None:
        """Return what a pushed frame means for this prompt; None = nothing, or its type is not known here."""
        if self._session_id is not None and frame.get("session_id") != self._session_id:
            return None
        match frame.get("type"):
            case "claude_code_queued":
                return self._queued(frame)
            case "claude_code_delta" if self._is_mine(frame):
                return read(Text, frame)
            case "claude_code_tool" if self._is_mine(frame):
                return read(Tool, frame)
            case "approval_requested" if self._session_id is not None:
                return read(Question, frame)
            case _:
                return None

    def ended(self, message_id: str) -> None:
        """Note which turn it was, so that the next prompt does not take its last frames for its own."""
        self.message_id = message_id
        self._seen.add(message_id)

    def _queued(self, frame: Frame) -> Event | None:
        message_id = str(frame.get("message_id", ""))
        if frame.get("external_id") != self._external_id:
            self._seen.add(message_id)
            return None
        self.ended(message_id)
        return read(Queued, frame) if frame.get("ahead") else None

    def _is_mine(self, frame: Frame) -> bool:
        message_id = str(frame.get("message_id", ""))
        if self.message_id is None and message_id not in self._seen and self._session_id is not None:
            self.ended(message_id)
        return message_id == self.message_id
