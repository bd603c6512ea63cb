"""Loads config.toml into a checked `Config`. An unknown key or a wrong type is an error that names the key."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass, replace
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from supervisor.config.auth import below
from supervisor.config.checks import check
from supervisor.config.cluster import ClusterConfig
from supervisor.config.mcp import McpConfig
from supervisor.config.tables import Config, State
from supervisor.protocol.errors import ConfigError

T = TypeVar("T")

UNKNOWN = ("unexpected_keyword_argument", "extra_forbidden")
"""The error types of pydantic for an unknown key."""


def parse(kind: type[T], table: Mapping[str, Any], where: str) -> T:
    """Return a table of config.toml as a dataclass.

    Args:
        where: the name of the table for messages, e.g. "channels.sms"; empty = the whole file.

    Raises:
        ConfigError: a key is unknown or missing, or a value has the wrong type; the error names the key.
    """
    try:
        # Strict mode on JSON: `port = true` and `port = "1"` are errors, but a list is valid for a tuple.
        text = json.dumps(table, default=lambda _: [None])  # a date or time becomes a list, which no key accepts
        return TypeAdapter(kind).validate_json(text, strict=True, extra="forbid")
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        # A misspelt key is reported twice, as missing and as unknown; the unknown one says more.
        first = min(found, key=lambda each: each["type"] not in UNKNOWN)
        path = [where, *(str(part) for part in first["loc"] if part != "[key]")]
        key = ".".join(part for part in path if part)
        if first["type"] in UNKNOWN:
            known = ", ".join(sorted(_keys_at(kind, first["loc"][:-1])))
            raise ConfigError(key, "unknown key" + (f"; known here: {known}" if known else "")) from None
        given = first.get("input")
        shown = f", not {given!r}" if isinstance(given, bool | int | float) else ""
        raise ConfigError(key, first["msg"][0].lower() + first["msg"][1:] + shown) from None


def _keys_at(kind: Any, location: tuple[str | int, ...]) -> list[str]:
    """Return the field names of the dataclass at a location inside `kind`."""
    for part in location:
        if get_origin(kind) is dict:
            kind = get_args(kind)[1]
        elif is_dataclass(kind):
            kind = get_type_hints(kind).get(str(part))
        if get_origin(kind) in (Union, UnionType):
            kind = next((choice for choice in get_args(kind) if is_dataclass(choice)), None)
    return [item.name for item in fields(kind)] if is_dataclass(kind) else []


def find(explicit: Path | None) -> Path | None:
    """Return the config file: `--config`, XSWARM_CONFIG, ./config.toml, or the one in the user's config directory.

    Returns:
        None = there is none.

    Raises:
        ConfigError: the file that --config or XSWARM_CONFIG names does not exist.
    """
    named = explicit or (Path(os.environ["XSWARM_CONFIG"]) if os.environ.get("XSWARM_CONFIG") else None)
    if named is not None:
        if not named.is_file():
            raise ConfigError("", f"no such config file: {named}", "write one with `xswarm init`")
        return named
    home = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "xswarm" / "config.toml"
    return next((path for path in (Path("config.toml"), home) if path.is_file()), None)


def load(path: Path | None) -> Config:
    """Read and check a config file.

    Args:
        path: None = there is no file; every key has its default.

    Raises:
        ConfigError: the file is invalid; the error names the key and what it must be.
    """
    table = _read(path) if path is not None else {}
    if url := os.environ.get("CLAUDE_CODE_WEBSOCKET_URL"):
        section = table.setdefault("claude_code", {})
        if isinstance(section, dict):
            section["websocket_url"] = url
    config = parse(Config, table, "")
    base = path.absolute().parent if path is not None else Path.cwd()
    projects = {
        name: replace(project, path=_below(base, project.path, f"projects.{name}.path"))
        for name, project in config.projects.items()
    }
    servers = {name: _placed(base, name, server) for name, server in config.mcp.items()}
    state = State(dir=_below(base, config.state.dir, "state.dir") if config.state.dir else "")
    audit = config.audit
    if audit.anchor_file:
        audit = replace(audit, anchor_file=_below(base, audit.anchor_file, "audit.anchor_file"))
    cluster = config.cluster
    if cluster.shared_dir:
        cluster = ClusterConfig(shared_dir=_below(base, cluster.shared_dir, "cluster.shared_dir"))
    auth = below(base, config.auth)
    return check(replace(config, projects=projects, mcp=servers, state=state, auth=auth, audit=audit, cluster=cluster))


def _placed(base: Path, name: str, server: McpConfig) -> McpConfig:
    """Return a tool server whose paths are absolute; a command without "/" is looked up in PATH when it starts."""
    if not server.command:
        return server
    is_path = "/" in server.command
    command = _below(base, server.command, f"mcp.{name}.command") if is_path else server.command
    return replace(server, command=command, cwd=_below(base, server.cwd or ".", f"mcp.{name}.cwd"))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError("", f"{path} is not TOML: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("", f"cannot read {path}: {error}") from None


def _below(base: Path, given: str, key: str) -> str:
    """Return a path of config.toml as an absolute path; relative paths start at `base`."""
    if not given or "\0" in given:
        raise ConfigError(key, f"must be the path of a folder, not {given!r}")
    try:
        return os.path.normpath(base / Path(given).expanduser())
    except RuntimeError:
        raise ConfigError(key, f"there is no such home directory: {given!r}") from None


def as_table(config: Config) -> dict[str, Any]:
    """Return a config as plain tables for tomli-w, without the keys whose value is None."""
    return asdict(config, dict_factory=lambda pairs: {key: value for key, value in pairs if value not in (None, {})})
