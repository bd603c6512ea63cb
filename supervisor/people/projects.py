"""The projects of config.toml: who may use them, and which project a path belongs to."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from supervisor.config import ProjectConfig
from supervisor.permissions.paths import is_inside
from supervisor.permissions.protected import Protection, is_protected
from supervisor.protocol.errors import ProjectNotAllowed
from supervisor.protocol.messages import ProjectName, UserId
from supervisor.protocol.status import PROTECTED, Permissions
from supervisor.protocol.values.record import record
from supervisor.store.records.accounts import User
from supervisor.store.records.session import Session

SCRATCH = ProjectName("~scratch")
"""The project of prompts that belong to no project. No table of config.toml can have this name."""


CLAUDE_MD = "CLAUDE.md"
"""The file of a project with instructions for Claude Code, where `claude_md` is set."""


@record
class Project:
    """A folder that Claude Code may work in.

    Attributes:
        path: absolute, symbolic links resolved.
        model: None = the connector's default.
        concurrent: whether several turns may run in it at once.
        users: the ids of users to whom config.toml gives the project.
        approvers: who answers questions about tool calls; empty = the user of the turn.
        shared: whether its users share the conversations that begin in it.
        claude_md: whether Claude Code gets its CLAUDE.md as instructions.
        protected: `[approvals] protected`.
    """

    name: ProjectName
    path: str
    permissions: Permissions
    model: str | None
    concurrent: bool
    users: frozenset[str]
    approvers: tuple[UserId, ...] = ()
    shared: bool = False
    claude_md: bool = False
    protected: tuple[str, ...] = PROTECTED


class Projects:
    """The projects of config.toml, and which of them each user may use.

    Args:
        tables: `[projects.NAME]`.
        default_model: `claude_code.model`, empty for none.
        scratch: holds a folder per user, for prompts that belong to no project; None = there are no such folders.
        protected: `[approvals] protected`.
        node: the name and the labels of this node, by which `nodes` of a project may name it.
    """

    def __init__(
        self,
        tables: Mapping[str, ProjectConfig],
        default_model: str = "",
        *,
        scratch: Path | None = None,
        protected: Sequence[str] = PROTECTED,
        node: Collection[str] = (),
    ) -> None:
        self._nodes = {ProjectName(name): frozenset(table.nodes) for name, table in tables.items()}
        self._elsewhere = {name for name in self._nodes if not self.may_be_at(name, node)}
        self._default_model = default_model
        self._scratch = scratch
        self._protected = tuple(protected)
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
                claude_md=table.claude_md,
                protected=(*self._protected, CLAUDE_MD) if table.claude_md else self._protected,
            )
            for name, table in tables.items()
        }

    def get(self, name: str) -> Project | None:
        """Return a project by its name in upper or lower case; None = there is no such project."""
        exact = self._by_name.get(ProjectName(name))
        return exact or next((p for p in self._by_name.values() if p.name.casefold() == name.casefold()), None)

    def holding(self, session: Session) -> Project | None:
        """Return the project of a session; None = config.toml no longer has it, or its folder has moved."""
        project = self.get(session.project) if session.project != SCRATCH else self.scratch(session.user_id)
        return project if project is not None and is_inside(session.project_path, project.path) else None

    def scratch(self, user_id: UserId) -> Project | None:
        """Return the scratch project of a user, in which every change is asked about; None = there is none."""
        if self._scratch is None:
            return None
        return Project(
            name=SCRATCH,
            path=os.path.realpath(self._scratch / user_id),
            permissions=Permissions.ASK,
            model=self._default_model or None,
            concurrent=True,
            users=frozenset({user_id}),
            protected=self._protected,
        )

    def group(self, name: str) -> ProjectName | None:
        """Return the outermost project whose folder holds that of a project; None = there is no such project.

        Projects whose folders lie in one another have the same.
        """
        project = self._by_name.get(ProjectName(name))
        if project is None:
            return None
        around = [one for one in self._by_name.values() if is_inside(project.path, one.path)]
        return min(around, key=lambda one: (len(one.path), one.name)).name

    def is_here(self, name: ProjectName) -> bool:
        """Return whether this node has the folder of a project: `nodes` names it, or names none and it is there."""
        project = self._by_name.get(name)
        return project is not None and name not in self._elsewhere and os.path.isdir(project.path)

    def may_be_at(self, name: ProjectName, node: Collection[str]) -> bool:
        """Return whether a node may have the folder of a project: `nodes` names it or one of its labels, or names none.

        Args:
            node: its name and its labels.
        """
        named = self._nodes.get(name, frozenset())
        return not named or not named.isdisjoint(node)

    def here(self) -> list[ProjectName]:
        """Return the projects whose folders this node has, sorted by name. Slow where a folder is on a network."""
        return sorted(name for name in self._by_name if self.is_here(name))

    def every(self) -> list[Project]:
        """Return the projects of config.toml, sorted by name."""
        return sorted(self._by_name.values(), key=lambda project: project.name)

    def folders(self) -> dict[ProjectName, str]:
        """Return the folder of each project; that of `SCRATCH` holds the scratch folders of all users."""
        scratch = {} if self._scratch is None else {SCRATCH: os.path.realpath(self._scratch)}
        return {name: project.path for name, project in self._by_name.items()} | scratch

    def may_use(self, user: User, name: ProjectName) -> bool:
        """Return whether a user may use a project; everybody may use their own scratch project."""
        project = self._by_name.get(name)
        return name == SCRATCH or (project is not None and _may_use(user, project))

    def of(self, user: User) -> list[Project]:
        """Return the projects that config.toml or the database gives to a user."""
        return [project for project in self._by_name.values() if _may_use(user, project)]

    def shared_with(self, user: User) -> list[ProjectName]:
        """Return the projects whose shared conversations a user may see."""
        return [project.name for project in self.of(user) if project.shared]

    def shares(self, user: User, session: Session) -> bool:
        """Return whether a session is shared and its project is shared with a user."""
        return session.shared and session.project in self.shared_with(user)

    def is_open_to(self, user: User, session: Session) -> bool:
        """Return whether a user may see a session: the user began it, or it is shared with the user."""
        return session.user_id == user.id or self.shares(user, session)

    def origin(self, user: User, project: Project) -> str:
        """Return what gives a user the right to a project: "config" or "database"."""
        return "config" if user.id in project.users else "database"

    def at(self, user: User, path: str) -> tuple[Project, str]:
        """Return the project of a user that contains a folder, and the folder with symbolic links resolved.

        If projects lie in one another, the innermost is returned.

        Raises:
            ProjectNotAllowed: the path lies in no project of the user, is protected, or is not a folder. In a project
                of other nodes, those look whether it is one.
        """
        if not os.path.isabs(path):
            raise ProjectNotAllowed(path)
        scratch = self.scratch(user.id)
        usable = [*self.of(user), *([scratch] if scratch is not None else [])]
        owners = [p for p in usable if is_inside(path, p.path)]
        if not owners:
            raise ProjectNotAllowed(path)
        project = max(owners, key=lambda p: len(p.path))
        if project.name not in self._elsewhere and not os.path.isdir(path):
            raise ProjectNotAllowed(path)
        # In there, is_protected could not tell protected files from the project's own.
        if is_protected(path, project.path, protection=Protection(project.protected)):
            raise ProjectNotAllowed(path)
        return project, os.path.realpath(path)


def _may_use(user: User, project: Project) -> bool:
    return user.id in project.users or project.name in user.projects
