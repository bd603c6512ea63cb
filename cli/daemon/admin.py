"""Calls of the admin API: over HTTP to the running daemon, or in this process where no daemon runs."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from cli import settings
from cli.daemon import addresses
from cli.daemon.addresses import Daemon
from cli.failures import Refused, Unreachable
from cli.imports import imported

TIMEOUT_SECONDS = 600.0
"""Seconds for one call; the backup of a large database takes minutes."""


def call(
    config_file: Path | None,
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    *,
    needs_daemon: bool = False,
) -> dict[str, Any]:
    """Return the answer of the admin API.

    Args:
        path: begins with /api/admin/.
        needs_daemon: the call is about the state of a running daemon.

    Raises:
        Refused: the request was refused.
        Unreachable: no daemon runs, and the command needs one.
        XswarmError: the configuration or the state cannot be used.
    """
    config = settings.load(config_file)
    daemon = addresses.local(config)
    if daemon is not None:
        try:
            return _checked(*_over_http(daemon, method, path, body))
        except ConnectionRefusedError:
            daemon = None  # It starts or stops, or its pid belongs to another program by now: the lock decides.
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unreachable(f"{daemon.http}: {error}", "look at the daemon's log") from None
    if needs_daemon:
        raise Unreachable(f"none runs on {config.state_dir}")
    # Imported here by name, as in main.py: importing the database takes a second and is rarely needed.
    local = imported("cli.daemon.local")
    return _checked(*local.call(config, method, path, None if body is None else dict(body)))


def item(collection: str, name: str) -> str:
    """Return the path of one item of a collection; its name is quoted for a URL."""
    return f"/api/admin/{collection}/{quote(name, safe='')}"


def _over_http(daemon: Daemon, method: str, path: str, body: Mapping[str, Any] | None) -> tuple[int, dict[str, Any]]:
    address = urlsplit(daemon.http)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=TIMEOUT_SECONDS)
    headers = {"Authorization": f"Bearer {daemon.token}", "Content-Type": "application/json"}
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        content = response.read()
        return response.status, json.loads(content) if content else {}
    finally:
        connection.close()


def _checked(status: int, answer: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of a successful call.

    Raises:
        Refused: the status says that the call failed.
    """
    if status < http.client.BAD_REQUEST:
        return answer
    other = "not_found" if status == http.client.NOT_FOUND else "internal"
    raise Refused(
        str(answer.get("error", f"The daemon answered {status}")),
        str(answer.get("code", other)),
        str(answer.get("remedy") or ""),
        answer.get("retry_after"),
    )
