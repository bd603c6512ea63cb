"""Which projects there are, who may use them, and which one a path belongs to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from supervisor.config import ProjectConfig
from supervisor.permissions.paths import is_inside, is_protected
from supervisor.protocol.errors import ProjectNotAllowed
from supervisor.protocol.messages import ProjectName, UserId
from supervisor.protocol.status import Permissions
from supervisor.store.records.accounts import User
from supervisor.store.records.session import Session

SCRATCH = ProjectName("~scratch")
"""The project of prompts that belong to none; no table of config.toml can be called so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A folder that Claude Code may work in.

    Attributes:
        path: absolute, symlinks resolved.
        model: None = the default.
        approvers: who answers questions about tool calls; empty = whoever asked for the turn.
        shared: its users share the conversations that are begun in it.
    """

    name: ProjectName
    path: str
    permissions: Permissions
    model: str | None
    concurrent: bool
    users: frozenset[str]
    approvers: tuple[UserId, ...] = ()
    shared: bool = False


class Projects:
    """The projects of config.toml, and what each user may reach of them.

    Args:
        tables: `[projects.NAME]`.
        default_model: `claude_code.model`, empty for none.
        scratch: below it each user has a folder for single prompts that belong to no project; None = nobody has.
    """

    def __init__(
        self, tables: Mapping[str, ProjectConfig], default_model: str = "", *, scratch: Path | None = None
    ) -> None:
        self._default_model = default_model
        self._scratch = scratch
        self._by_name = {
            ProjectName(name): Project(
                name=ProjectName(name),
                path=os.path.realpath(table.path),
                permissions=table.permissions,
                model=table.model or default_model or None,
                concurrent=table.concurrent,
                users=frozenset(table.users),
                approvers=tuple(UserId(user_id) for user_id in table.approvers),
                shared=table.shared,
            )
            for name, table in tables.items()
        }

    def get(self, name: str) -> Project | None:
        """Return a project by name, without regard to case."""
        exact = self._by_name.get(ProjectName(name))
        return exact or next((p for p in self._by_name.values() if p.name.casefold() == name.casefold()), None)

    def holding(self, session: Session) -> Project | None:
        """Return a session's project; None where config.toml names none any more that its folder lies in."""
        project = self.get(session.project) if session.project != SCRATCH else self.scratch(session.user_id)
        return project if project is not None and is_inside(session.project_path, project.path) else None

    def scratch(self, user_id: UserId) -> Project | None:
        """Return the project that holds a user's scratch folder; it asks before anything."""
        if self._scratch is None:
            return None
        return Project(
            name=SCRATCH,
            path=os.path.realpath(self._scratch / user_id),
            permissions=Permissions.ASK,
            model=self._default_model or None,
            concurrent=True,
            users=frozenset({user_id}),
        )

    def may_use(self, user: User, name: ProjectName) -> bool:
        """Return whether a user may use a project, their scratch folder included."""
        project = self._by_name.get(name)
        return name == SCRATCH or (project is not None and _may_use(user, project))

    def of(self, user: User) -> list[Project]:
        """Return the projects that a user may use: those of config.toml and those given in the database."""
        return [project for project in self._by_name.values() if _may_use(user, project)]

    def shared_with(self, user: User) -> list[ProjectName]:
        """Return the projects whose shared conversations a user may see."""
        return [project.name for project in self.of(user) if project.shared]

    def shares(self, user: User, session: Session) -> bool:
        """Return whether a session is shared with a user, whoever began it."""
        return session.shared and session.project in self.shared_with(user)

    def is_open_to(self, user: User, session: Session) -> bool:
        """Return whether a user may see a session: it is theirs, or shared with them."""
        return session.user_id == user.id or self.shares(user, session)

    def origin(self, user: User, project: Project) -> str:
        """Return where a user's right to a project comes from: "config" or "database"."""
        return "config" if user.id in project.users else "database"

    def at(self, user: User, path: str) -> tuple[Project, str]:
        """Return the user's project that a path lies in, and the path with symlinks resolved.

        Raises:
            ProjectNotAllowed: it leads outside all of them, or is no folder.
        """
        if not os.path.isabs(path):
            raise ProjectNotAllowed(path)
        scratch = self.scratch(user.id)
        usable = [*self.of(user), *([scratch] if scratch is not None else [])]
        owners = [p for p in usable if is_inside(path, p.path)]
        if not owners or not os.path.isdir(path):
            raise ProjectNotAllowed(path)
        project = max(owners, key=lambda p: len(p.path))
        if is_protected(path, project.path):  # below it nothing would be told from the project's own files
            raise ProjectNotAllowed(path)
        return project, os.path.realpath(path)


def _may_use(user: User, project: Project) -> bool:
    return user.id in project.users or project.name in user.projects
