"""The tables [mcp.NAME] of config.toml: tool servers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite

from supervisor.protocol.errors import ConfigError
from supervisor.protocol.status import Role

SERVER_NAME = re.compile(r"(?=.{1,24}$)[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
"""The form of a tool server's name. Two underlines stand behind it in the names of its tools, so none are in it."""

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""The form of an environment variable's name."""

HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""The form of a header's name (RFC 9110 section 5.1)."""

FIELD = re.compile(r"[^\s.]+(?:\.[^\s.]+)?")
"""The form of a field of results: its name, or the name of the field around it and its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class McpConfig:
    """A tool server that speaks the Model Context Protocol: a program on this machine, or a URL.

    Attributes:
        command: the program; looked up in PATH, or a path that contains "/", relative to config.toml. Empty = `url`.
        args: its arguments.
        env: more of its environment, which else holds PATH, HOME, the language, the time zone and its own folder for
            data only. `${NAME}` in a value stands for the secret NAME.
        cwd: the folder in which it runs, relative to config.toml; empty = the folder of config.toml.
        url: the address of a server that runs elsewhere (streamable HTTP).
        headers: sent with each request to `url`. `${NAME}` in a value stands for the secret NAME.
        roles: the roles of the users who may use its tools.
        timeout_seconds: the longest duration of one call, in seconds.
        read_only: the tools that only read. A call of any other tool is asked about.
        previews: by the name of a tool, the tool that tells what a call of it would do: it only reads, and takes the
            same arguments or some of them. The `summary` of its result stands in the question.
        person_fields: the fields of results with ids of people, also as PARENT.FIELD. With this key or `name_fields`,
            models get references instead.
        name_fields: the fields of results with names of people, or other words about one person.
        examples: prompts with which a person may start.
    """

    command: str = ""
    args: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict, repr=False)
    cwd: str = ""
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    roles: tuple[Role, ...] = (Role.ADMIN, Role.COORDINATOR)
    timeout_seconds: float = 60.0
    read_only: tuple[str, ...] = ()
    previews: dict[str, str] = field(default_factory=dict)
    person_fields: tuple[str, ...] = ()
    name_fields: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


def check_server(name: str, server: McpConfig, *, is_url: Callable[[str], bool]) -> None:
    """Check a table.

    Args:
        is_url: whether a text is a URL that the daemon may call.

    Raises:
        ConfigError: a value is invalid; the error names the key.
    """
    where = f"mcp.{name}"
    if not SERVER_NAME.fullmatch(name):
        problem = "a server's name must be at most 24 lower-case letters, digits and single underlines or hyphens"
        raise ConfigError(where, f"{problem}, and begin with a letter")
    _check_place(where, server, is_url)
    for key, table, form in (("env", server.env, VARIABLE), ("headers", server.headers, HEADER)):
        for entry, value in table.items():
            if not form.fullmatch(entry) or not value.isprintable():
                raise ConfigError(f"{where}.{key}", f"{entry!r} is not a valid name, or its value is not one line")
    if not (isfinite(server.timeout_seconds) and server.timeout_seconds > 0):
        raise ConfigError(f"{where}.timeout_seconds", f"must be greater than 0, not {server.timeout_seconds}")
    for tool, preview in server.previews.items():
        if preview not in server.read_only or tool in server.read_only:
            problem = f"{preview!r} must be a tool of read_only, and {tool!r} none"
            raise ConfigError(f"{where}.previews", problem)
    for key, named in (("person_fields", server.person_fields), ("name_fields", server.name_fields)):
        for path in named:
            if not FIELD.fullmatch(path):
                raise ConfigError(f"{where}.{key}", f'must be names of fields like "person_id", not {path!r}')


def _check_place(where: str, server: McpConfig, is_url: Callable[[str], bool]) -> None:
    if bool(server.command) is bool(server.url):
        raise ConfigError(where, "must have either a command or a url")
    if server.url and not is_url(server.url):
        raise ConfigError(f"{where}.url", "must be https://HOST/PATH (or http:// on loopback), without a password")
    if not server.command and (server.args or server.env):
        raise ConfigError(where, "args and env belong to a command, headers to a url")
    if not server.url and server.headers:
        raise ConfigError(where, "args and env belong to a command, headers to a url")
