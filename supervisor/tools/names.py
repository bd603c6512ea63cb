"""The names under which models know the tools of servers. No I/O."""

from __future__ import annotations

import hashlib
import re

BETWEEN = "__"
"""Stands between the name of a server and that of its tool; no server has it in its name."""

CLAUDE_CODE = "mcp" + BETWEEN
"""Begins the name of a server's tool in Claude Code."""

LONGEST = 64
"""Characters of the longest name in Claude Code; the Messages API allows 128."""

_REFUSED = re.compile(r"[^a-zA-Z0-9_-]")
"""What the Messages API allows in no name (https://platform.claude.com/docs/en/api/messages, tools.name)."""


def safe_name(server: str, tool: str) -> str:
    """Return a tool's name as the APIs of models allow it: unchanged, or shortened with a hash of the server's name."""
    most = LONGEST - len(CLAUDE_CODE) - len(server) - len(BETWEEN)
    safe = _REFUSED.sub("_", tool)
    if safe == tool and 0 < len(tool) <= most:
        return tool
    digits = hashlib.sha256(tool.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{safe[: most - len(digits) - 1]}_{digits}"


def full_name(server: str, tool: str) -> str:
    """Return the name of a server's tool for the assistant."""
    return f"{server}{BETWEEN}{safe_name(server, tool)}"


def name_in_claude_code(server: str, tool: str) -> str:
    """Return the name of a server's tool in Claude Code."""
    return f"{CLAUDE_CODE}{full_name(server, tool)}"


def parts(name: str) -> tuple[str, str]:
    """Return the server and the safe name of the tool from a full name; the second is empty where it is none."""
    server, _, tool = name.partition(BETWEEN)
    return server, tool
