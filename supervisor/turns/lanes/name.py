"""The names of lanes, as the store keeps them with each turn."""

from __future__ import annotations

from supervisor.protocol.messages import SessionId, UserId


class LaneName(str):
    """The name of a lane, as the store keeps it; a session id never contains a slash, so the three kinds never collide.

    - session, of Claude Code or a chat: the session's id;
    - thread with the assistant: "assistant/USER/THREAD";
    - refused messages and commands of a user, which never run: "refused/USER".
    """

    __slots__ = ()

    @classmethod
    def of_session(cls, session_id: SessionId) -> LaneName:
        """Return the name of a session's lane."""
        return cls(session_id)

    @classmethod
    def of_assistant(cls, user_id: UserId, thread: str) -> LaneName:
        """Return the name of the lane of a user's thread with the assistant."""
        return cls(f"assistant/{user_id}/{thread}")

    @classmethod
    def of_refused(cls, user_id: UserId) -> LaneName:
        """Return the name under which a user's messages that do not run are stored."""
        return cls(f"refused/{user_id}")

    @property
    def is_assistant(self) -> bool:
        """Whether this is the lane of a thread with the assistant. That of a chat has the name of a session's."""
        return self.startswith("assistant/")
