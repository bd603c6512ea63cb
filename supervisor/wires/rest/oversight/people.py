"""REST: people with their roles, addresses and projects, tokens, and dropped messages, for administrators to read.

What changes them is below /api/admin, where an administrator shows a passkey first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Query

from supervisor.people.accounts import Accounts
from supervisor.people.identity import Directory
from supervisor.protocol.limits import Between
from supervisor.protocol.values.record import record
from supervisor.store.ports.lists.lists import ListStore
from supervisor.wires.http.auth import Calling
from supervisor.wires.rest.admin.dropped import shown
from supervisor.wires.rest.oversight.rights import administrators
from supervisor.wires.rest.resource import MAX_ROW_ID, Endpoint, Limit


@record
class TeamProject:
    """A project of config.toml: who may work in it, and who answers questions about tool calls.

    `users` are those of config.toml, `given` those to whom an administrator gave it; without `approvers` the user who
    asked is asked. Path and permissions are changed in config.toml only.
    """

    name: str
    permissions: str
    users: Sequence[str]
    given: Sequence[str]
    approvers: Sequence[str]
    shared: bool


@record
class Team:
    """All people, by id, and all projects."""

    people: Sequence[Mapping[str, Any]]
    projects: Sequence[TeamProject]


@record
class DroppedPage:
    """Dropped messages, newest first; `next` is the `from` of the next page, null = there is none."""

    dropped: Sequence[Mapping[str, Any]]
    next: int | None


class PeopleRoutes:
    """The routes of people, tokens and dropped messages."""

    def __init__(self, accounts: Accounts, directory: Directory, lists: ListStore) -> None:
        self._accounts = accounts
        self._lists = lists
        self._may_read_people = administrators(directory, "people and their rights")
        self._may_read_tokens = administrators(directory, "the list of tokens")
        self._may_read_dropped = administrators(directory, "dropped messages")

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [
            Endpoint("GET", "/api/people", self.people),
            Endpoint("GET", "/api/tokens", self.tokens),
            Endpoint("GET", "/api/dropped", self.dropped),
        ]

    async def people(self, caller: Calling) -> Team:
        """Return who there is, and what they may do."""
        self._may_read_people(caller)
        return Team(
            people=self._accounts.users(),
            projects=[
                TeamProject(
                    name=project.name,
                    permissions=project.permissions.value,
                    users=sorted(project.users),
                    given=sorted(given),
                    approvers=project.approvers,
                    shared=project.shared,
                )
                for project, given in self._accounts.projects()
            ],
        )

    async def tokens(self, caller: Calling) -> dict[str, Any]:
        """Return tokens without their secret parts, also revoked ones; an administrator sees those of users."""
        self._may_read_tokens(caller)
        return {"tokens": await self._accounts.tokens(of_services=caller.operator)}

    async def dropped(
        self,
        caller: Calling,
        channel: Annotated[str, Query(max_length=64)] = "",
        before: Annotated[Annotated[int, Between(0, MAX_ROW_ID)] | None, Query(alias="from")] = None,
        limit: Annotated[Limit, Query()] = 50,
    ) -> DroppedPage:
        """Return the messages that were dropped or refused within 30 days; who sent them may be forged."""
        self._may_read_dropped(caller)
        found = await self._lists.dropped(channel, before=before, limit=limit + 1)
        page = found[:limit]
        return DroppedPage(dropped=[shown(one) for one in page], next=page[-1].id if len(found) > limit else None)
