"""The resources of the REST API, one row each."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from supervisor.operations.api import Api
from supervisor.wires.http.auth import documented, operator_only
from supervisor.wires.peers import no_agents
from supervisor.wires.rest.admin.admin import admin_routers
from supervisor.wires.rest.admin.administrators import Administrators
from supervisor.wires.rest.admin.links import MakeLink
from supervisor.wires.rest.admin.meter import Meter
from supervisor.wires.rest.agents.monitor import MonitorRoutes
from supervisor.wires.rest.agents.reports import ReportRoutes
from supervisor.wires.rest.approvals import ApprovalRoutes
from supervisor.wires.rest.changes.changes import ChangeRoutes
from supervisor.wires.rest.changes.downloads import DownloadRoutes
from supervisor.wires.rest.changes.reviews import ReviewRoutes
from supervisor.wires.rest.health import HealthRoutes, Parts
from supervisor.wires.rest.messages import MessageRoutes
from supervisor.wires.rest.money.budgets import BudgetRoutes
from supervisor.wires.rest.money.costs import CostRoutes
from supervisor.wires.rest.oversight.audit import AuditTrailRoutes
from supervisor.wires.rest.oversight.lists import ListRoutes
from supervisor.wires.rest.oversight.me import MeRoutes
from supervisor.wires.rest.oversight.people import PeopleRoutes
from supervisor.wires.rest.queue import QueueRoutes
from supervisor.wires.rest.replies import ReplyRoutes
from supervisor.wires.rest.resource import resource_router
from supervisor.wires.rest.routing import RoutingRoutes
from supervisor.wires.rest.sessions import SessionRoutes
from supervisor.wires.rest.tools.offered import OfferedRoutes
from supervisor.wires.rest.uploads import UploadRoutes


def routers(api: Api, *, parts: Parts, meter: Meter | None, make_link: MakeLink | None = None) -> list[APIRouter]:
    """Return the routers of all resources.

    Args:
        parts: which parts of the daemon work besides the store, for /readyz.
        meter: the totals that the gateway counted, for /api/admin/meter; None = there is no gateway.
        make_link: makes the links of `xswarm user link`; None = none can be made.
    """
    queries, sessions, messages = api.operations.queries, api.operations.sessions, api.operations.messages
    return [
        resource_router(SessionRoutes(sessions, queries).endpoints()),
        resource_router(MessageRoutes(messages, queries, api.chat.people).endpoints()),
        resource_router(RoutingRoutes(messages, api.directory).endpoints()),
        resource_router(CostRoutes(queries).endpoints()),
        resource_router(BudgetRoutes(queries, api.spending).endpoints()),
        resource_router(ChangeRoutes(api.changes, api.undo).endpoints()),
        resource_router(DownloadRoutes(api.changes, api.undo).endpoints()),
        resource_router(ReviewRoutes(api.reviews).endpoints()),
        resource_router(UploadRoutes(api.uploads, api.directory).endpoints()),
        resource_router(QueueRoutes(api.queue).endpoints()),
        resource_router(OfferedRoutes(api.tool_servers, api.directory).endpoints()),
        resource_router(ReplyRoutes(api.reply_trouble, queries).endpoints()),
        resource_router(ApprovalRoutes(api.approvals).endpoints(), dependencies=[documented, no_agents]),
        resource_router(ReportRoutes(api.agents).endpoints()),
        resource_router(MonitorRoutes(api.agents).endpoints()),
        resource_router(MeRoutes(api.directory).endpoints()),
        resource_router(ListRoutes(api.lists, queries, api.approvals).endpoints()),
        resource_router(
            [
                *AuditTrailRoutes(api.administration.audit, api.directory).endpoints(),
                *PeopleRoutes(api.administration.accounts, api.directory, api.lists).endpoints(),
            ],
            dependencies=[documented, no_agents],
        ),
        resource_router(HealthRoutes(parts, api.database.works).endpoints(), dependencies=[]),
        *admin_routers(
            api.administration,
            api.database,
            decide=messages.decide,
            meter=meter,
            let_in=messages.let_in,
            make_link=make_link,
            links=api.links,
            servers=api.tool_servers,
            operator_only=[documented, operator_only, no_agents],
            administrators=[documented, Depends(Administrators(api.directory, api.passkeys.fresh)), no_agents],
        ),
    ]
