"""The MCP server: the tools, what they are told by their caller, and what they answer."""

from __future__ import annotations
