"""Where a routed message is stored and runs: its lane and its session."""

from __future__ import annotations

from supervisor.people.projects import Project
from supervisor.protocol.messages import ProjectName, SessionId
from supervisor.protocol.values.record import record
from supervisor.store.records.session import NewSession, Session
from supervisor.turns.lanes.name import LaneName

NO_PROJECT = ProjectName("")
"""How the store writes that a message belongs to no project."""


@record
class Destination:
    """The lane of a message, and for Claude Code and in a chat its session; `Conversations.destination` makes it.

    Attributes:
        lane: the turns of a lane run one at a time, in the order of acceptance.
        project: of the decision; None = the message belongs to no project.
        session: the stored session, or the chat, that the message continues; None = it continues none.
        new_session: the session that T1 creates with the message; None = it creates none.
    """

    lane: LaneName
    project: Project | None = None
    session: Session | None = None
    new_session: NewSession | None = None

    @property
    def session_id(self) -> SessionId | None:
        """The id of the stored or new session; None = the message goes to none."""
        found = self.session or self.new_session
        return found.id if found is not None else None

    @property
    def shared(self) -> bool:
        """Whether several users write in the session."""
        found = self.session or self.new_session
        return found is not None and found.shared

    @property
    def exclusive(self) -> bool:
        """Whether no other exclusive turn of the project may run at the same time."""
        return self.project is not None and not self.project.concurrent

    @property
    def project_name(self) -> ProjectName:
        """The name of the project; empty = no project."""
        return self.project.name if self.project is not None else NO_PROJECT
