"""The messages of the Model Context Protocol as the daemon speaks it to Claude Code. No I/O.

Source: https://modelcontextprotocol.io/specification/2025-11-25 (lifecycle, streamable HTTP, tools).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from supervisor.protocol.tools import ToolOutput, ToolSpec
from supervisor.protocol.values.record import record

VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26")
"""Versions of the protocol that the gateway speaks, the newest first."""

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602

RequestId = str | int


class Malformed(Exception):
    """A body is no message.

    Attributes:
        code: of JSON-RPC.
    """

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


@record
class Message:
    """A request, or a notification.

    Attributes:
        id: None = a notification, or a response, which the gateway never expects.
    """

    id: RequestId | None
    method: str
    params: Mapping[str, Any]


def read(body: bytes) -> Message:
    """Return the message in a body.

    Raises:
        Malformed: it holds none.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed(PARSE_ERROR, "the body is not JSON") from None
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0":
        raise Malformed(INVALID_REQUEST, "the body is not one message of JSON-RPC 2.0")
    number, method, params = value.get("id"), value.get("method", ""), value.get("params") or {}
    known_id = number is None or (isinstance(number, str | int) and not isinstance(number, bool))
    if not known_id or not isinstance(method, str) or not isinstance(params, dict):
        raise Malformed(INVALID_REQUEST, "id, method or params have a wrong type")
    return Message(id=number if method else None, method=method, params=params)


def initialized(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of `initialize`."""
    asked = params.get("protocolVersion")
    return {
        "protocolVersion": asked if asked in VERSIONS else VERSIONS[0],
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "xswarm", "version": "1"},
    }


def listed(tools: Sequence[ToolSpec]) -> dict[str, Any]:
    """Return the result of `tools/list`."""
    return {
        "tools": [
            {"name": tool.name, "description": tool.description, "inputSchema": dict(tool.input_schema)}
            for tool in tools
        ]
    }


def called(output: ToolOutput) -> dict[str, Any]:
    """Return the result of `tools/call`."""
    return {"content": [{"type": "text", "text": output.text}], "isError": output.failed}


def result(number: RequestId, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to a request."""
    return {"jsonrpc": "2.0", "id": number, "result": dict(value)}


def error(number: RequestId | None, code: int, why: str) -> dict[str, Any]:
    """Return the answer to a request that is refused."""
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": why}}
