"""The resources of the admin API, one row each, and an application that serves them without a daemon."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter
from fastapi.params import Depends
from starlette.types import ASGIApp

from supervisor.operations.administration import Administration
from supervisor.store.port import OpenDatabase
from supervisor.tools.servers.servers import ToolServers
from supervisor.wires.http.api import api
from supervisor.wires.http.auth import AsOperator
from supervisor.wires.http.bodies import Bodies
from supervisor.wires.http.guard import Guard
from supervisor.wires.rest.admin.audit import AuditRoutes
from supervisor.wires.rest.admin.database import DatabaseRoutes
from supervisor.wires.rest.admin.dropped import DroppedRoutes, LetIn
from supervisor.wires.rest.admin.links import MakeLink, SignInLinkRoutes
from supervisor.wires.rest.admin.meter import Meter, MeterRoutes
from supervisor.wires.rest.admin.nodes import Links, NodeRoutes
from supervisor.wires.rest.admin.routing import Decide, RoutingCheckRoutes
from supervisor.wires.rest.admin.tokens import TokenRoutes
from supervisor.wires.rest.admin.users import UserRoutes
from supervisor.wires.rest.resource import resource_router
from supervisor.wires.rest.tools.standing import StandingRoutes

PREFIX = "/api/admin"


def admin_routers(
    administration: Administration,
    database: OpenDatabase,
    *,
    decide: Decide | None = None,
    meter: Meter | None = None,
    let_in: LetIn | None = None,
    make_link: MakeLink | None = None,
    servers: ToolServers | None = None,
    links: Links | None = None,
    operator_only: Sequence[Depends] = (),
    administrators: Sequence[Depends] = (),
) -> list[APIRouter]:
    """Return the routes of /api/admin: those that administrators may call too, and those of the operator alone.

    Args:
        decide: None = there is no daemon that could route.
        meter: None = there is no daemon with a gateway.
        let_in: None = there is no daemon that could work on a message.
        make_link: None = there is no daemon with which a person could sign in.
        servers: None = there is no daemon that could connect to tool servers.
        links: None = there is no daemon that could be linked with other nodes.
        operator_only: what a request to the operator's routes must pass first.
        administrators: what a request to the other ones must pass first.
    """
    accounts = administration.accounts
    tokens, dropped = TokenRoutes(accounts), DroppedRoutes(administration.dropped, let_in)
    people = resource_router(
        [
            *UserRoutes(accounts, administration.passphrases).endpoints(),
            *SignInLinkRoutes(make_link).endpoints(),
            *tokens.endpoints(),
            *dropped.endpoints(),
        ],
        prefix=PREFIX,
        dependencies=administrators,
    )
    operators = resource_router(
        [
            *tokens.operator_endpoints(),
            *DatabaseRoutes(database).endpoints(),
            *NodeRoutes(administration.nodes, database.epoch, links).endpoints(),
            *AuditRoutes(administration.audit).endpoints(),
            *RoutingCheckRoutes(accounts, decide).endpoints(),
            *dropped.operator_endpoints(),
            *MeterRoutes(meter).endpoints(),
            *StandingRoutes(servers or ToolServers()).endpoints(),
        ],
        prefix=PREFIX,
        dependencies=operator_only,
    )
    return [people, operators]


def admin_app(administration: Administration, database: OpenDatabase) -> ASGIApp:
    """Return an application with only these routes, for a process that holds the database; it asks for no token."""
    return Guard(Bodies(AsOperator(api(*admin_routers(administration, database)))))
