"""The running daemon and its parts; without one, whether its ports are free."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import socket
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from supervisor.config import Config
from supervisor.doctor import cluster
from supervisor.doctor.state import people, soundness
from supervisor.protocol.ports.checks import Check, Standing
from supervisor.protocol.text.amounts import counted
from supervisor.runtime.state import ADDRESSES_FILE, DEMO_FOLDER

NODES = ("GET", "/api/admin/nodes")

STANDS_BY = "This node stands by"
"""Begins what a node answers that stands by."""

LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to ask whoever listens on all addresses

SECONDS = 5.0
"""Timeout of a request to the daemon, in seconds."""

CHECK_SECONDS = 120.0
"""Timeout of the check of the whole database, in seconds."""


def addresses(config: Config) -> dict[str, Any] | None:
    """Return the addresses of the daemon of this state, or else of its demo; None = neither runs.

    Raises:
        PermissionError: the folder belongs to another user and cannot be read.
    """
    return _running_on(config.state_dir) or _running_on(config.state_dir / DEMO_FOLDER)


def _running_on(folder: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads((folder / ADDRESSES_FILE).read_text(encoding="utf-8"))
        pid = int(found["pid"])
    except PermissionError:
        raise
    except (OSError, ValueError, KeyError, TypeError):
        return None
    try:
        os.kill(pid, 0)
    except PermissionError:
        return found  # the process runs as another user
    except (OSError, OverflowError):
        return None
    return found


class Failed(Exception):
    """The daemon answered a request with an error.

    Attributes:
        remedy: what to do; empty = the daemon named nothing.
    """

    def __init__(self, error: str, remedy: str) -> None:
        super().__init__(error)
        self.remedy = remedy


async def daemon(found: dict[str, Any], channels: Collection[str] = ()) -> list[Check]:
    """Check a running daemon: its parts, its database, its users. A check whose request fails says why.

    Args:
        channels: that are configured.
    """
    try:
        ready = await asyncio.to_thread(_ask, found["http"], "GET", "/readyz", "")
        broken = [name for name, how in ready["parts"].items() if how != "ok"]
        token = (await asyncio.to_thread(Path(found["operator_token_file"]).read_text, "utf-8")).strip()
        kept = [
            await _kept("database", found["http"], "POST", "/api/admin/check", token, _database),
            await _kept("people", found["http"], "GET", "/api/admin/users", token, _people),
            await _kept("replies", found["http"], "GET", "/api/replies", token, lambda body: replies(body["replies"])),
            await _kept("tool servers", found["http"], "GET", "/api/admin/tools", token, _tool_servers),
            *await _cluster(found["http"], token, channels),
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, http.client.HTTPException, Failed) as error:
        remedy = "read its log, then restart it"
        why = (
            str(error)
            if isinstance(error, OSError | http.client.HTTPException | Failed)
            else "what answers is no xswarm"
        )
        detail = f"pid {found['pid']} does not answer: {why}"
        return [Check(name="daemon", status=Standing.FAILED, detail=detail, remedy=remedy)]
    if broken:
        detail = f"pid {found['pid']} runs; these parts do not work: {', '.join(broken)}"
        return [Check(name="daemon", status=Standing.FAILED, detail=detail, remedy="its log tells why"), *kept]
    detail = f"pid {found['pid']} runs on {found['socket']} and {found['http']}; all parts work"
    return [Check(name="daemon", status=Standing.OK, detail=detail), *kept]


async def _cluster(base: str, token: str, channels: Collection[str]) -> list[Check]:
    try:
        body = await asyncio.to_thread(_ask, base, *NODES, token)
    except Failed as failed:
        return [Check(name="nodes", status=Standing.FAILED, detail=str(failed), remedy=failed.remedy)]
    return cluster.examine(body, channels)


async def _kept(
    name: str, base: str, method: str, path: str, token: str, check: Callable[[dict[str, Any]], Check]
) -> Check:
    """Ask for something that the daemon keeps, and check it; an error of the daemon is a failed check."""
    try:
        body = await asyncio.to_thread(_ask, base, method, path, token, CHECK_SECONDS)
    except Failed as failed:
        remedy = failed.remedy or "its log tells why"
        return Check(name=name, status=Standing.FAILED, detail=str(failed), remedy=remedy)
    return check(body)


def _database(body: dict[str, Any]) -> Check:
    return soundness(body["problems"], body.get("unchecked", ""))


def _people(body: dict[str, Any]) -> Check:
    users = body["users"]
    return people(len(users), sum(bool(user["addresses"]) for user in users))


def _tool_servers(body: dict[str, Any]) -> Check:
    return tool_servers(body["servers"])


def tool_servers(listed: Sequence[Mapping[str, Any]]) -> Check:
    """Check whether the tool servers are connected.

    Args:
        listed: `GET /api/admin/tools`.
    """
    down = [f"{one['name']} ({one['why']})" for one in listed if not one["works"]]
    connected = [f"{one['name']} ({counted(len(one['tools']), 'tool')})" for one in listed if one["works"]]
    if down:
        remedy = "its lines in the log tell more; its table in config.toml is [mcp.NAME]"
        detail = f"these do not work, everything else does: {', '.join(down)}"
        return Check(name="tool servers", status=Standing.WARNING, detail=detail, remedy=remedy)
    detail = f"connected: {', '.join(connected)}" if connected else "none is configured"
    return Check(name="tool servers", status=Standing.OK, detail=detail)


def replies(listed: Sequence[Mapping[str, Any]]) -> Check:
    """Check whether replies wait for long or were given up.

    Args:
        listed: `GET /api/replies`.
    """
    if not listed:
        return Check(name="replies", status=Standing.OK, detail="none is late, and none failed within a day")
    failed = sum(one["state"] in ("dead", "undelivered") for one in listed)
    first = listed[0]
    detail = (
        f"{len(listed) - failed} late, {failed} given up or not delivered within a day; "
        f"{first['reply_id']} to {first['user_id'] or 'nobody known'} by {first['channel']}: "
        f"{first['reason'] or 'no attempt has ended'}"
    )
    remedy = "`xswarm claude queue` lists them; the log names each by its id"
    return Check(name="replies", status=Standing.WARNING, detail=detail, remedy=remedy)


def ports(config: Config) -> list[Check]:
    """Check whether the ports of the daemon are free; a node that stands by has one of them."""
    if why := _stands_by(config):
        return [Check(name="daemon", status=Standing.OK, detail=why)]
    checks = [Check(name="daemon", status=Standing.OK, detail="not running; `xswarm serve` starts it")]
    for key, listener in (("supervisor.port", config.supervisor), ("http.port", config.http)):
        with socket.socket(socket.AF_INET6 if ":" in listener.host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((listener.host, listener.port))
            except OSError as error:
                remedy = f"stop the program that uses it, or set {key}"
                detail = f"port {listener.port} of {listener.host} cannot be bound: {error.strerror}"
                checks.append(Check(name=key, status=Standing.FAILED, detail=detail, remedy=remedy))
                continue
        checks.append(Check(name=key, status=Standing.OK, detail=f"port {listener.port} of {listener.host} is free"))
    return checks


def _stands_by(config: Config) -> str:
    """Return what a node says that stands by on the port of HTTP; empty = none does."""
    if not config.node.standby:
        return ""
    host = LOOPBACK.get(config.http.host, config.http.host)
    try:
        _ask(f"http://[{host}]:{config.http.port}" if ":" in host else f"http://{host}:{config.http.port}", *NODES, "")
    except Failed as failed:
        return str(failed) if str(failed).startswith(STANDS_BY) else ""
    except (OSError, ValueError, TypeError, http.client.HTTPException):
        pass
    return ""


def _ask(base: str, method: str, path: str, token: str, seconds: float = SECONDS) -> dict[str, Any]:
    """Return the JSON object that answers a request.

    Raises:
        Failed: the daemon answered with an error.
        OSError, HTTPException, ValueError: it did not answer, or not with JSON.
    """
    address = urlsplit(base)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=seconds)
    try:
        connection.request(method, path, headers={"Authorization": f"Bearer {token}"} if token else {})
        response = connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read())
    finally:
        connection.close()
    if "error" in answer:
        raise Failed(str(answer["error"]), str(answer.get("remedy") or ""))
    return answer
