"""Rights: what a user may start now."""

from __future__ import annotations

from supervisor.people.identity import Directory
from supervisor.people.projects import Projects
from supervisor.protocol.errors import NotAllowed, ProjectNotAllowed, UserNotFound, XswarmError
from supervisor.protocol.messages import ProjectName, UserId


class Rights:
    """Checks rights when a message is accepted, and again when its turn starts: they may be removed in between."""

    def __init__(self, directory: Directory, projects: Projects) -> None:
        self._directory = directory
        self._projects = projects

    def refusal(self, user_id: UserId, project: ProjectName) -> XswarmError | None:
        """Return why a user may not start work in a project, or None where they may.

        Args:
            project: empty = work that belongs to no project.
        """
        try:
            user = self._directory.user(user_id)
        except UserNotFound as error:
            return error
        if not user.role.may_prompt:
            return NotAllowed(f"role {user.role} may not start work")
        if project and not self._projects.may_use(user, project):
            return ProjectNotAllowed(project)
        return None
