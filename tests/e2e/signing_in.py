"""A browser as HTTP sees it: it keeps cookies, and says from which page a request comes."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.e2e.process import DaemonProcess
from tests.slowness import scaled


class HttpBrowser:
    """A client with a cookie jar on a page of the daemon; use it as an async context manager.

    Args:
        host: under which name it reaches the daemon.

    Attributes:
        origin: of the page; requests carry it.
        client: for other requests.
    """

    def __init__(self, daemon: DaemonProcess, host: str = "localhost") -> None:
        port = urlsplit(daemon.addresses["http"]).port
        self.origin = f"http://{host}:{port}"
        self.client = httpx.AsyncClient(base_url=self.origin, trust_env=False, timeout=scaled(30.0))

    async def post(self, path: str, body: Any = None, *, origin: str | None = None) -> httpx.Response:
        """POST JSON below /api/auth/."""
        headers = {"Origin": origin or self.origin}
        return await self.client.post(f"/api/auth/{path}", json={} if body is None else body, headers=headers)

    async def get(self, path: str, *, origin: str | None = None) -> httpx.Response:
        """GET a path of the daemon."""
        return await self.client.get(path, headers={"Origin": origin or self.origin})

    async def sign_in(self, link: str) -> httpx.Response:
        """Sign in with a link."""
        return await self.post("redeem", {"secret": link.partition("#")[2]})

    async def __aenter__(self) -> HttpBrowser:
        await self.client.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.client.aclose()


async def link_for(daemon: DaemonProcess, user: str) -> str:
    """Return a link as the operator's terminal gets it."""
    return str((await daemon.xswarm("user", "link", user, "--json")).document["link"])


async def trail(daemon: DaemonProcess, event: str) -> list[dict[str, Any]]:
    """Return the entries of the audit trail whose event begins with a word."""
    async with httpx.AsyncClient(trust_env=False, timeout=scaled(30.0)) as client:
        answer = await client.get(
            f"{daemon.addresses['http']}/api/admin/audit/entries/0",
            params={"event": event},
            headers={"Authorization": f"Bearer {daemon.token}"},
        )
    return list(answer.json()["entries"])
