"""A tool server for the tests, a real one: `python server_program.py`, or `... http PORT` for streamable HTTP.

What its tools do is written down in the file that the environment variable JOURNAL names.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    gc.disable()  # a quarter of the start is its search through what the SDK makes

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, TextContent

ANN = "4f5a1c2e-0000-7000-8000-00000000a001"
BOB = "9b2d7f10-0000-7000-8000-00000000b002"
NAMES = {ANN: "Ann Lee", BOB: "Bob Stone"}

server = MCPServer("tests", log_level="ERROR")


def note(line: str) -> None:
    """Write a line into the journal."""
    if journal := os.environ.get("JOURNAL"):
        with Path(journal).open("a") as file:
            file.write(f"{line}\n")


@server.tool(title="People of the clinic", meta={"category": "Staff"})
def people() -> dict[str, Any]:
    """List the people."""
    note("people")
    rows = [{"person_id": person, "name": name, "hours": 40} for person, name in NAMES.items()]
    return {"people": rows, "note": "Ann Lee and Bob Stone work today.", "by_id": {ANN: 1}}


@server.prompt()
def shortage() -> str:
    """Ask who is missing."""
    return "Where are too few people?"


@server.prompt()
def leave(person: str) -> str:
    """Ask about one person; it needs their name."""
    return f"Is {person} on leave?"


@server.tool()
def swap(from_person: str, to_person: str, reason: str = "") -> dict[str, Any]:
    """Swap two people; it writes."""
    note(f"swap {from_person} {to_person} {reason}")
    return {"swapped": [{"person_id": from_person}, {"person_id": to_person}], "version": 2}


@server.tool()
def foresee(from_person: str, to_person: str) -> dict[str, Any]:
    """Tell what a swap would do."""
    note(f"foresee {from_person} {to_person}")
    return {"summary": f"{from_person} works for {to_person} on Monday", "person_id": from_person}


@server.tool()
def work_on(topic: str, ctx: Context[Any]) -> CallToolResult:
    """Return what came beside the arguments; tell of the work beside the result."""
    told: dict[str, Any] = dict(ctx.request_context.meta or {})
    user = told.get("xswarm/user") or {}
    return CallToolResult(
        content=[TextContent(type="text", text="done")],
        structured_content={"user": user, "chat": told.get("xswarm/chat")},
        _meta={
            "xswarm/topic": topic,
            "xswarm/notice": f"{user.get('name')} works on {topic}.",
            "xswarm/artifact": {"type": "schedule", "title": "A week"},
        },
    )


@server.tool()
def environment() -> dict[str, str]:
    """Return the environment of the server."""
    return dict(os.environ)


@server.tool()
async def hang() -> str:
    """Never end."""
    note("hang began")
    try:
        await anyio.sleep_forever()
    except BaseException:
        note("hang was cancelled")
        raise
    return ""


@server.tool()
def block() -> str:
    """Block the whole server."""
    note("block began")
    time.sleep(3600)
    return ""


@server.tool()
def fail() -> str:
    """Fail with an explanation that names a person."""
    raise ToolError("Ann Lee is on leave")


@server.tool()
def crash() -> str:
    """Fail without an explanation."""
    raise ZeroDivisionError("of the tests")


@server.tool()
def die() -> str:
    """End the server in the middle of the call, and leave a process behind."""
    child = subprocess.Popen(["sleep", "3600"], start_new_session=True)
    note(f"child {child.pid}")
    os._exit(3)


@server.tool()
def large(size: int) -> str:
    """Return a text of some bytes."""
    return "x" * size


@server.tool()
def rows(count: int) -> dict[str, Any]:
    """Return many rows."""
    return {"rows": [{"number": number, "text": "y" * 40} for number in range(count)]}


@server.tool()
def markup() -> str:
    """Return HTML and escape codes."""
    return "<script>alert(1)</script>\x1b[31mred\x1b[0m\x00"


@server.tool()
async def more_tools(ctx: Context[Any]) -> str:
    """Add a tool."""

    def added() -> str:
        """Be new."""
        return "new"

    server.add_tool(added, name="added")
    await ctx.notify_tools_changed()
    await ctx.session.send_tool_list_changed()
    return "added"


@server.tool(name="odd name/of.a.tool")
def odd() -> str:
    """Have a name that no model may use."""
    return "odd"


if __name__ == "__main__":
    gc.freeze()
    gc.enable()
    sys.stderr.write(f"started with {os.environ.get('SERVER_SECRET', 'no secret')}\n")
    sys.stderr.flush()
    note(f"started {os.getpid()}")
    if len(sys.argv) > 2:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
    else:
        server.run("stdio")
