"""Files of people as answers: a browser saves them under their name, and never shows or runs them in our origin."""

from __future__ import annotations

import os
import re
from urllib.parse import quote

from starlette.responses import Response

MAX_DOWNLOAD = 20_000_000
"""Most bytes of a file that is sent."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # Where a browser shows the file in spite of all, it has no origin and runs nothing.
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_UNSAFE = re.compile(r"[\x00-\x1f\x7f\"\\\\/:*?<>|]")
"""What is no part of a file's name on every system; a slash would begin a folder."""

MAX_NAME = 150
"""Most characters of a name."""


def attachment(name: str, content: bytes) -> Response:
    """Return a file that the browser saves.

    Args:
        name: as people see it; only what follows the last slash is sent.
    """
    return Response(
        content, headers={**HEADERS, "Content-Disposition": disposition(name)}, media_type="application/octet-stream"
    )


def disposition(name: str) -> str:
    """Return a Content-Disposition (RFC 6266): the name in UTF-8, and in ASCII for what does not know that."""
    plain = _UNSAFE.sub("_", os.path.basename(name)).encode(errors="replace").decode()[-MAX_NAME:].strip(" .") or "file"
    ascii_name = plain.encode("ascii", errors="replace").decode().replace("?", "_").replace("%", "_")
    return f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(plain, safe='')}"
