"""Finds the daemon: by the addresses that it writes into state.dir, or by the environment."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cli.failures import Unreachable
from supervisor.protocol.errors import ConfigError, NotAllowed, NotAuthenticated

if TYPE_CHECKING:
    from supervisor.config import Config

DEMO = "demo"
"""Folder below state.dir in which `xswarm serve --demo` keeps its state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """The addresses of a daemon and a token for it.

    Attributes:
        socket: ws://host:port of the supervisor socket.
        http: http://host:port; empty where only the socket is known.
    """

    socket: str
    http: str = ""
    token: str = field(repr=False)


def local(config: Config) -> Daemon | None:
    """Return the daemon that runs on this state.dir, or else its demo; None where neither runs.

    Raises:
        NotAllowed: the state belongs to another user of this machine.
    """
    return _running_on(config.state_dir) or _running_on(config.state_dir / DEMO)


def _running_on(folder: Path) -> Daemon | None:
    path = folder / "addresses.json"
    try:
        addresses = json.loads(path.read_text(encoding="utf-8"))
        if not _alive(int(addresses["pid"])):
            return None
        token = Path(addresses["operator_token_file"]).read_text(encoding="utf-8").strip()
        return Daemon(socket=addresses["socket"], http=addresses["http"], token=token)
    except PermissionError as error:
        raise NotAllowed(
            f"cannot read {error.filename}", "run the command as the user who runs the daemon, or set SUPERVISOR_TOKEN"
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def find(config: Config) -> Daemon:
    """Return the daemon to talk to: SUPERVISOR_WEBSOCKET_URL with SUPERVISOR_TOKEN, or else the one on this state.dir.

    Raises:
        Unreachable: no daemon runs there.
        NotAuthenticated: SUPERVISOR_WEBSOCKET_URL names a daemon, but no token is given for it.
        ConfigError: a variable is not valid.
        NotAllowed: the state belongs to another user of this machine.
    """
    url, token = os.environ.get("SUPERVISOR_WEBSOCKET_URL", ""), _token()
    if url and not url.startswith(("ws://", "wss://")):
        raise ConfigError("SUPERVISOR_WEBSOCKET_URL", "must begin with ws:// or wss://")
    if url and token:
        return Daemon(socket=url, token=token)
    daemon = local(config)
    if url and (daemon is None or url.rstrip("/") != daemon.socket.rstrip("/")):
        # The operator's token has all rights, so it goes only to the daemon that wrote it.
        refused = NotAuthenticated()
        refused.remedy = "set SUPERVISOR_TOKEN beside SUPERVISOR_WEBSOCKET_URL; `xswarm token create` makes one"
        raise refused
    if daemon is None:
        raise Unreachable(f"none runs on {config.state_dir}")
    return Daemon(socket=daemon.socket, http=daemon.http, token=token or daemon.token)


def _token() -> str:
    if path := os.environ.get("SUPERVISOR_TOKEN_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError("SUPERVISOR_TOKEN_FILE", f"cannot be read: {error.strerror}") from None
    return os.environ.get("SUPERVISOR_TOKEN", "")


def _alive(pid: int) -> bool:
    """Return whether a process exists. The port of a dead daemon may belong to another program by now."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
