"""Errors in the shape of the Messages API, so that its clients handle our errors like those of the API.

Source: https://platform.claude.com/docs/en/api/errors
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

LARGEST_BODY = 64 * 1024 * 1024
"""The largest request body, in bytes."""

KINDS: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    502: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""The error types of the API by HTTP status."""


def error_body(status: int, message: str) -> dict[str, Any]:
    """Return the JSON body of an error. In a stream it is the data of an `error` event."""
    kind = KINDS.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": message}}


def error_response(status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return an error as an HTTP response.

    Args:
        message: one sentence with the problem and the remedy; users see it.
    """
    return web.json_response(error_body(status, message), status=status, headers=headers)


@web.middleware
async def in_api_shape(request: web.Request, handler: Handler) -> web.StreamResponse:
    """aiohttp middleware: answer a request with a body that is too large, too slow or broken in the API's shape."""
    try:
        return await handler(request)
    except web.HTTPRequestEntityTooLarge:
        return error_response(413, f"a request may have at most {LARGEST_BODY // 1024 // 1024} MiB")
    except web.HTTPRequestTimeout:
        return error_response(408, "the body did not arrive in time")
    except web.RequestPayloadError:
        return error_response(400, "the body cannot be read: it is not compressed, or not as long, as it says")
