"""A React project outside our tree that has installed the packed package; Vite builds it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

ROOT = Path(__file__).resolve().parents[2]

MODULES = ROOT / "node_modules"

README = ROOT / "packages/react/README.md"

ADDRESS = "http://127.0.0.1:8787"
"""Where the README's example looks for xswarm."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; font-src 'self'; "
    "connect-src 'self' {chat}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""The policy of xswarm's own console, with the address of the chat."""

INDEX = """\
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width" />
    <link rel="icon" href="/icon.svg" />
    <title>Outside</title>
    <link rel="stylesheet" href="/page.css" />
  </head>
  <body>
    <main>
      <h1>A page of its own</h1>
      <div id="root"></div>
    </main>
    <script type="module" src="/main.tsx"></script>
  </body>
</html>
"""

PAGE_STYLE = """\
html, body { margin: 0 }
main { height: 100dvh; display: grid; grid-template-rows: auto minmax(0, 1fr) }
h1 { margin: 0 1rem; font: bold 1rem / 2 system-ui }
"""

ICON = '<svg xmlns="http://www.w3.org/2000/svg"/>\n'

VITE = "export default { build: { assetsInlineLimit: 0, modulePreload: { polyfill: false } } };\n"

TYPES = {
    "compilerOptions": {
        "target": "ES2022",
        "strict": True,
        "noEmit": True,
        "jsx": "react-jsx",
        "module": "ESNext",
        "moduleResolution": "bundler",
        "lib": ["ES2023", "DOM"],
        "types": ["vite/client"],
    },
    "include": ["main.tsx"],
}


def node(*command: str | Path, cwd: Path) -> str:
    """Run a command of the front end's tools with the Node of this environment; return what it printed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def example() -> str:
    """Return the program of the package's README."""
    programs: list[str] = re.findall(r"```tsx\n(.*?)```", README.read_text(encoding="utf-8"), re.S)
    return next(program for program in programs if "createRoot" in program)


def build_site(folder: Path, program: str) -> Path:
    """Make the project in a folder, install the packed package into it, check its types and build it.

    Args:
        program: `main.tsx`.

    Returns:
        the folder with the built site.
    """
    packed = json.loads(node("npm", "pack", "--json", "--pack-destination", folder, cwd=ROOT / "packages/react"))
    files = {
        "package.json": json.dumps({"name": "outside", "private": True, "type": "module"}),
        "tsconfig.json": json.dumps(TYPES),
        "vite.config.js": VITE,
        "index.html": INDEX,
        "main.tsx": program,
        "public/page.css": PAGE_STYLE,
        "public/icon.svg": ICON,
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    # React, its types and the tools come from our tree: a test asks no registry.
    tarball = folder / packed_name(packed)
    node("npm", "install", "--offline", "--ignore-scripts", "--legacy-peer-deps", tarball, cwd=folder)
    for name in ("react", "react-dom", "scheduler", "csstype", "vite", "typescript", "@types"):
        (folder / "node_modules" / name).symlink_to(MODULES / name)
    node(MODULES / ".bin/tsc", "--project", folder, cwd=folder)
    node(MODULES / ".bin/vite", "build", "--logLevel", "error", cwd=folder)
    return folder / "dist"


def packed_name(packed: object) -> str:
    """Return the file name in what `npm pack --json` printed, which is a list or a table by the package's name."""
    entries = packed if isinstance(packed, list) else list(packed.values()) if isinstance(packed, dict) else []
    (entry,) = entries
    return str(entry["filename"])


@asynccontextmanager
async def serve_site(folder: Path, port: int, chat: str, token: Callable[[], str]) -> AsyncIterator[str]:
    """Serve the built site under the strict policy; yield its URL.

    Args:
        chat: the HTTP address of the chat; it takes the place of the example's.
        token: what `/chat-token` answers.
    """
    policy = POLICY.format(chat=f"{chat} {chat.replace('http', 'ws', 1)}")

    async def file(request: web.Request) -> web.StreamResponse:
        path = folder / (request.match_info["path"] or "index.html")
        if path.suffix == ".js":
            code = path.read_text(encoding="utf-8").replace(ADDRESS, chat)
            return web.Response(text=code, content_type="text/javascript")
        return web.FileResponse(path)

    async def chat_token(request: web.Request) -> web.Response:
        return web.Response(text=token())

    async def add_policy(request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Content-Security-Policy"] = policy

    application = web.Application()
    application.on_response_prepare.append(add_policy)
    application.router.add_get("/chat-token", chat_token)
    application.router.add_get("/{path:.*}", file)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{port}/"
    finally:
        await runner.cleanup()
