"""Errors in the shape of the Messages API, so that its clients treat ours as they treat the real ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

LARGEST_BODY = 64 * 1024 * 1024
"""Bytes of a request."""

KINDS: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    502: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""The API's name of an error by its HTTP status."""


def error_body(status: int, message: str) -> dict[str, Any]:
    """Return the JSON of an error; also the data of an `error` event in a stream."""
    kind = KINDS.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": message}}


def error_response(status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return an error as an HTTP response.

    Args:
        message: one sentence that says what is wrong and what to do; people see it.
    """
    return web.json_response(error_body(status, message), status=status, headers=headers)


@web.middleware
async def in_api_shape(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a request that is too large, or whose body is broken, in the API's shape too."""
    try:
        return await handler(request)
    except web.HTTPRequestEntityTooLarge:
        return error_response(413, f"a request may have at most {LARGEST_BODY // 1024 // 1024} MiB")
    except web.RequestPayloadError:
        return error_response(400, "the body cannot be read: it is not compressed, or not as long, as it says")
