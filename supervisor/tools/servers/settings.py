"""How a tool server is reached: a table `[mcp.NAME]` with its secrets filled in."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path

from supervisor.config import McpConfig
from supervisor.protocol.errors import ConfigError
from supervisor.protocol.values.record import record

SECRET = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""Stands for a secret in a value of `env` and `headers`."""

KEPT_FROM_OURS = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ")
"""The only variables of the daemon's environment that a server inherits."""

STATE_DIRECTORY = "STATE_DIRECTORY"
"""Names the folder in which a server may keep its data, as systemd does for its services."""

Secret = Callable[[str], str | None]
"""Returns a secret by its name; None = it is not set."""


@record
class Program:
    """A server that is a program.

    Attributes:
        argv: the program first; it may be a name that is looked up in PATH.
        environment: the whole of it.
        cwd: an absolute path.
    """

    argv: tuple[str, ...] = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    cwd: str


@record
class Address:
    """A server that runs elsewhere.

    Attributes:
        headers: sent with each request.
    """

    url: str
    headers: Mapping[str, str] = field(repr=False)


@record
class ServerSettings:
    """How a server is reached, and how long a call may take, in seconds."""

    name: str
    place: Program | Address
    timeout: float


def resolve(
    name: str, config: McpConfig, secret: Secret, ours: Mapping[str, str] = os.environ, *, state: Path | None = None
) -> ServerSettings:
    """Return how a server is reached.

    Args:
        ours: the daemon's environment, of which only `KEPT_FROM_OURS` is read.
        state: the folder in which programs may keep data, each in one of its own; None = there is none.

    Raises:
        ConfigError: a secret that its table names is not set.
    """
    place: Program | Address
    if config.url:
        place = Address(url=config.url, headers=_filled(f"mcp.{name}.headers", config.headers, secret))
    else:
        kept = {variable: ours[variable] for variable in KEPT_FROM_OURS if ours.get(variable)}
        if state is not None:
            kept[STATE_DIRECTORY] = str(state / name)
        more = _filled(f"mcp.{name}.env", config.env, secret)
        environment = {"PATH": os.defpath, "LANG": "C.UTF-8", **kept, **more}
        place = Program(argv=(config.command, *config.args), environment=environment, cwd=config.cwd)
    return ServerSettings(name=name, place=place, timeout=config.timeout_seconds)


def secrets_of(config: McpConfig) -> list[str]:
    """Return the names of the secrets that a table needs."""
    values = (*config.env.values(), *config.headers.values())
    return sorted({found for value in values for found in SECRET.findall(value)})


def is_there(config: McpConfig, ours: Mapping[str, str] = os.environ) -> bool:
    """Return whether the program of a server can be found; True for a server with a URL."""
    return not config.command or shutil.which(config.command, path=ours.get("PATH", os.defpath)) is not None


def _filled(where: str, table: Mapping[str, str], secret: Secret) -> dict[str, str]:
    def value(match: re.Match[str]) -> str:
        found = secret(match[1])
        if found is None:
            raise ConfigError(where, f"{match[1]} is not set", f"set {match[1]} or {match[1]}_FILE for the daemon")
        return found

    return {name: SECRET.sub(value, text) for name, text in table.items()}
