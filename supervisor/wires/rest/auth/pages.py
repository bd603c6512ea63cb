"""The page where people sign in, with its script and style; it loads nothing else, and no other page may frame it.

A service where people sign in sends the browser back to the same page, under a path of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from supervisor.people.sign_in.oidc.sign_in import PATH as BACK
from supervisor.people.sign_in.sign_in import PATH
from supervisor.wires.http.cookies import Cookies

FOLDER = Path(__file__).parent / "page"

FILES = {
    PATH: ("sign-in.html", "text/html; charset=utf-8"),
    f"{PATH}.js": ("sign-in.js", "text/javascript; charset=utf-8"),
    f"{PATH}.css": ("sign-in.css", "text/css; charset=utf-8"),
}

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def pages(cookies: Cookies, base: Callable[[], str]) -> list[Route]:
    """Return the routes of the page.

    Args:
        base: returns where the daemon is reached, as scheme and host.
    """
    contents = {path: (FOLDER / name).read_bytes() for path, (name, _) in FILES.items()}

    async def page(request: Request) -> Response:
        if not cookies.own_origin(request.scope):
            return RedirectResponse(base() + request.url.path)  # the browser keeps what stands behind `#`
        path = PATH if request.url.path.startswith(BACK) else request.url.path
        return Response(contents[path], headers=HEADERS, media_type=FILES[path][1])

    return [Route(path, page, methods=["GET"]) for path in (*FILES, f"{BACK}{{name}}")]
