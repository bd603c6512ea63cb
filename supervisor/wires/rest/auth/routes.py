"""The routes of /api/auth/*."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Depends

from supervisor.operations.api import Api
from supervisor.people.sign_in.oidc.sign_in import OidcSignIn
from supervisor.wires.http.cookies import Cookies
from supervisor.wires.peers import no_agents
from supervisor.wires.rest.auth.approvals import ProvenApprovalRoutes
from supervisor.wires.rest.auth.links import LinkRoutes
from supervisor.wires.rest.auth.oidc import OidcRoutes
from supervisor.wires.rest.auth.passkeys import PasskeyRoutes
from supervisor.wires.rest.auth.sessions import SignInSessionRoutes
from supervisor.wires.rest.auth.visitors import OwnPages
from supervisor.wires.rest.resource import resource_router


def auth_router(api: Api, cookies: Cookies, base: Callable[[], str], oidc: OidcSignIn) -> APIRouter:
    """Return the routes; no token counts here, and no agent may sign in.

    Args:
        base: returns where the daemon is reached, as scheme and host.
        oidc: the other services where people sign in.
    """
    return resource_router(
        [
            *LinkRoutes(api.sign_in, cookies, base).endpoints(),
            *OidcRoutes(oidc, api.sign_in, cookies, base).endpoints(),
            *PasskeyRoutes(api.passkeys, api.sign_in, cookies).endpoints(),
            *ProvenApprovalRoutes(api.approvals, api.passkeys, cookies).endpoints(),
            *SignInSessionRoutes(api.sign_in, api.passkeys.fresh, api.directory, cookies).endpoints(),
        ],
        dependencies=[no_agents, Depends(OwnPages(cookies))],
    )
