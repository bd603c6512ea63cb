"""The console: files that Vite has built, and the rules under which a browser shows them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from supervisor.wires.failures import NoSuchPath

BUILT = Path(__file__).resolve().parents[1] / "console"
"""Where `make console` writes; a wheel carries it."""

INDEX = "index.html"

ASSETS = "/assets/"
"""The path of files whose name holds the hash of their content."""

PAGES = frozenset(
    {
        "agents",
        "approvals",
        "audit",
        "changes",
        "chat",
        "costs",
        "dashboard",
        "messages",
        "outbox",
        "people",
        "queue",
        "sessions",
        "tokens",
    }
)
"""The first part of the path of every page; `console/src/app/pages.ts` has the same."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Vary": "Accept-Encoding",
}

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""Media types of what Vite writes; a file of another kind is not served."""

FOREVER = "public, max-age=31536000, immutable"

HOW_TO_BUILD = "the console is not built: `make console` builds it, then start the daemon again"

NOT_BUILT = f"""\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>xswarm</title>
<h1>xswarm runs, and has no console</h1>
<p>{HOW_TO_BUILD[0].upper()}{HOW_TO_BUILD[1:]}. Everything else works: <code>xswarm --help</code>.</p>
""".replace("`make console`", "<code>make console</code>")


@dataclass(frozen=True, slots=True)
class ConsoleFile:
    """One file of the console, as it is and in gzip (RFC 1952)."""

    media_type: str
    plain: bytes
    gzip: bytes
    tag: str


def read_console(folder: Path = BUILT) -> Mapping[str, ConsoleFile]:
    """Return the files of a build by their path below the folder; empty if there is none."""
    if not (folder / INDEX).is_file():
        return {}
    found = {}
    for path in folder.rglob("*"):
        compressed = path.with_name(f"{path.name}.gz")
        if path.suffix in TYPES and compressed.is_file():
            plain = path.read_bytes()
            tag = f'"{hashlib.sha256(plain).hexdigest()[:32]}"'
            found[path.relative_to(folder).as_posix()] = ConsoleFile(
                TYPES[path.suffix], plain, compressed.read_bytes(), tag
            )
    return found


class ConsolePages:
    """Answers what a browser asks for to show the console, without a token; passes on every other request.

    Args:
        files: by their path, as `read_console` returns them; empty = a page says how the console is built.
    """

    def __init__(self, app: ASGIApp, files: Mapping[str, ConsoleFile]) -> None:
        self._app = app
        self._files = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._answer(scope) if scope["type"] == "http" and scope["method"] in ("GET", "HEAD") else None
        await (answer or self._app)(scope, receive, send)

    def _answer(self, scope: Scope) -> Response | None:
        """Return the answer to a request; None = it is not for the console.

        Raises:
            NoSuchPath: there is no such file, e.g. one of an older build.
        """
        path = scope["path"]
        if path.startswith(ASSETS):
            file = self._files.get(path[1:])
            if file is None:
                raise NoSuchPath
            return _response(file, Headers(scope=scope), FOREVER)
        if path == "/" or path.partition("/")[2].partition("/")[0] in PAGES:
            index = self._files.get(INDEX)
            if index is None:
                return Response(NOT_BUILT, 503, {**HEADERS, "Cache-Control": "no-store"}, "text/html")
            return _response(index, Headers(scope=scope), "no-cache")
        return None


def _response(file: ConsoleFile, asked: Headers, cache: str) -> Response:
    headers = {**HEADERS, "Cache-Control": cache, "ETag": file.tag}
    if file.tag in (part.strip().removeprefix("W/") for part in asked.get("if-none-match", "").split(",")):
        return Response(status_code=304, headers=headers)
    headers["Content-Type"] = file.media_type
    if not _takes_gzip(asked.get("accept-encoding", "")):
        return Response(file.plain, headers=headers)
    return Response(file.gzip, headers={**headers, "Content-Encoding": "gzip"})


def _takes_gzip(accepted: str) -> bool:
    """Return whether an Accept-Encoding names gzip, and not with the weight 0 (RFC 9110 section 12.5.3)."""
    for part in accepted.lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
