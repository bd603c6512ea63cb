"""config.toml as frozen dataclasses: every key with its default and its meaning; an unknown key is an error."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from ipaddress import ip_network
from math import isfinite
from operator import attrgetter
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from supervisor.protocol.errors import ConfigError
from supervisor.protocol.status import Permissions

T = TypeVar("T")

DEFAULT_KEYWORDS = (
    "project code git build test deploy commit branch status develop debug fix error bug run compile"  # design.md 5
).split()

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What the name of a project or user looks like."""

KEYWORD = re.compile(r"[^\W_]+")
"""What a keyword looks like: the router compares whole words."""

ORIGIN = re.compile(r"https?://[^/\s]+")
"""What a browser's Origin header looks like."""

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
UNKNOWN = ("unexpected_keyword_argument", "extra_forbidden")  # pydantic's names of an unknown key

POSITIVE = (
    "supervisor.drain_seconds http.query_token_max_seconds claude_code.max_sessions claude_code.max_processes "
    "claude_code.turn_timeout_seconds assistant.max_tokens limits.messages_per_minute limits.messages_per_hour"
).split()
NOT_NEGATIVE = (
    "supervisor.ack_after_seconds claude_code.idle_timeout_seconds claude_code.max_sessions_per_user "
    "assistant.history_tokens routing.followup_seconds"
).split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervisor:
    """The socket for services.

    Attributes:
        host: address to listen on; anything but loopback is refused until there is TLS in front (`allowed_origins`).
        port: 0 takes a free one.
        allowed_origins: browser origins that may open the socket; none by default.
        ack_after_seconds: seconds until `message_acknowledged` is sent; 0 = never.
        drain_seconds: seconds that running turns get at shutdown.
    """

    host: str = "127.0.0.1"
    port: int = 9999
    allowed_origins: tuple[str, ...] = ()
    ack_after_seconds: float = 8.0
    drain_seconds: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """The HTTP server: REST and webhooks.

    Attributes:
        port: 0 takes a free one.
        public_url: how the outside reaches it (https://...); what providers sign.
        trusted_proxies: addresses whose forwarded headers are believed.
        query_token_max_seconds: longest lifetime in seconds of a token that may stand in a URL.
    """

    host: str = "127.0.0.1"
    port: int = 8787
    public_url: str = ""
    trusted_proxies: tuple[str, ...] = ()
    query_token_max_seconds: int = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where the daemon keeps what it must not lose.

    Attributes:
        dir: database, generated secrets, transcripts, addresses.json; absolute, or relative to config.toml; empty =
            $XDG_STATE_HOME/xswarm, which is ~/.local/state/xswarm where that is not set.
    """

    dir: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What the daemon says on stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeCode:
    """Claude Code sessions.

    Attributes:
        connector: which connector answers: the CLI on this machine, one on another machine, or an echo.
        websocket_url: of the remote Claude Code; never switches the connector by itself.
        max_sessions: sessions that are not disconnected or in error.
        max_sessions_per_user: the same for one user; 0 = no limit of its own.
        max_processes: processes at a time; the least recently used idle one gives way.
        idle_timeout_seconds: seconds without a turn until a session's process is closed; 0 = never.
        track_costs: false keeps the tokens and prices out of the database.
        model: empty = Claude Code's default.
        turn_timeout_seconds: seconds that one turn may take.
        sandbox: "required": shell commands run in a sandbox or not at all; "off": they run as the daemon's user.
        cli_path: another Claude Code binary than the one that the claude-agent-sdk package carries.
    """

    connector: str = "claude_code"
    websocket_url: str = "ws://localhost:8080"
    max_sessions: int = 10
    max_sessions_per_user: int = 0
    max_processes: int = 10
    idle_timeout_seconds: float = 300.0
    track_costs: bool = True
    model: str = ""
    turn_timeout_seconds: float = 1800.0
    sandbox: Literal["required", "off"] = "required"
    cli_path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assistant:
    """The default assistant.

    Attributes:
        model: empty = the connector's default.
        system_prompt: empty = the connector's default.
        max_tokens: most tokens of one answer.
        history_tokens: how much of the conversation is sent along, in tokens by estimate; 0 = none of it.
    """

    model: str = ""
    system_prompt: str = ""
    max_tokens: int = 1024
    history_tokens: int = 8000


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """Which messages are for Claude Code.

    Attributes:
        keywords: whole words, with their plain inflections.
        followup_seconds: seconds after an answer of Claude Code in which the next SMS belongs to the same conversation.
        default_project: for messages that name none; empty = ask.
        unauthorised: what becomes of a message for Claude Code from a user without the right.
    """

    keywords: tuple[str, ...] = tuple(DEFAULT_KEYWORDS)
    followup_seconds: float = 600.0
    default_project: str = ""
    unauthorised: Literal["assistant", "refuse"] = "assistant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one person may send by SMS, mail and chat; service tokens are bounded by `overloaded` alone."""

    messages_per_minute: int = 10
    messages_per_hour: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """Spending limits in US dollars; absent = no limit. `reserve_usd` is set aside before each turn."""

    message_usd: float | None = None
    session_usd: float | None = None
    user_daily_usd: float | None = None
    system_daily_usd: float | None = None
    reserve_usd: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A folder that Claude Code may work in.

    Attributes:
        path: absolute, or relative to config.toml; `~` is the home directory.
        users: ids of the users who may use it, besides those given it by `xswarm user add --project`.
        permissions: "ask" before anything that changes something, "edit" files freely, or "full".
        model: empty = `claude_code.model`.
        concurrent: several turns may run in it at the same time.
    """

    path: str
    users: tuple[str, ...] = ()
    permissions: Permissions = Permissions.ASK
    model: str = ""
    concurrent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole of config.toml. `channels` holds each channel's own table, checked by the channel."""

    supervisor: Supervisor = field(default_factory=Supervisor)
    http: Http = field(default_factory=Http)
    state: State = field(default_factory=State)
    log: Log = field(default_factory=Log)
    claude_code: ClaudeCode = field(default_factory=ClaudeCode)
    assistant: Assistant = field(default_factory=Assistant)
    routing: Routing = field(default_factory=Routing)
    limits: Limits = field(default_factory=Limits)
    budgets: Budgets | None = None
    projects: dict[str, Project] = field(default_factory=dict)
    channels: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)

    @property
    def state_dir(self) -> Path:
        """Absolute path of state.dir."""
        if self.state.dir:
            return Path(self.state.dir).expanduser().absolute()
        base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
        return Path(base).expanduser().absolute() / "xswarm"


def parse(kind: type[T], table: Mapping[str, Any], where: str) -> T:
    """Return a table of config.toml as a dataclass.

    Args:
        where: the table's name for messages, e.g. "channels.sms"; empty for the whole file.

    Raises:
        ConfigError: an unknown key, a missing one, or a value of the wrong type; names the key and what it must be.
    """
    try:
        # Strict over JSON: `port = true` and `port = "1"` are errors, a list is still good for a tuple.
        text = json.dumps(table, default=lambda _: [None])  # a date or a time: no key takes one
        return TypeAdapter(kind).validate_json(text, strict=True, extra="forbid")
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        first = min(found, key=lambda each: each["type"] not in UNKNOWN)  # a misspelt key is missing, too
        path = [where, *(str(part) for part in first["loc"] if part != "[key]")]
        key = ".".join(part for part in path if part)
        if first["type"] in UNKNOWN:
            known = ", ".join(sorted(_keys_at(kind, first["loc"][:-1])))
            raise ConfigError(key, "unknown key" + (f"; known here: {known}" if known else "")) from None
        given = first.get("input")
        shown = f", not {given!r}" if isinstance(given, bool | int | float) else ""
        raise ConfigError(key, first["msg"][0].lower() + first["msg"][1:] + shown) from None


def _keys_at(kind: Any, location: tuple[str | int, ...]) -> list[str]:
    """Return the field names of the dataclass that a location inside `kind` leads to."""
    for part in location:
        if get_origin(kind) is dict:
            kind = get_args(kind)[1]
        elif is_dataclass(kind):
            kind = get_type_hints(kind).get(str(part))
        if get_origin(kind) in (Union, UnionType):
            kind = next((choice for choice in get_args(kind) if is_dataclass(choice)), None)
    return [item.name for item in fields(kind)] if is_dataclass(kind) else []


def find(explicit: Path | None) -> Path | None:
    """Return the config file in force: `--config`, XSWARM_CONFIG, ./config.toml, the user's config directory.

    Raises:
        ConfigError: a file was named and is not there.
    """
    named = explicit or (Path(os.environ["XSWARM_CONFIG"]) if os.environ.get("XSWARM_CONFIG") else None)
    if named is not None:
        if not named.is_file():
            raise ConfigError("", f"no such config file: {named}", "write one with `xswarm init`")
        return named
    home = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "xswarm" / "config.toml"
    return next((path for path in (Path("config.toml"), home) if path.is_file()), None)


def load(path: Path | None) -> Config:
    """Read and check a config file; without one everything has its default.

    Raises:
        ConfigError: the file cannot be used; names the key and what it must be.
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
    state = State(dir=_below(base, config.state.dir, "state.dir") if config.state.dir else "")
    return check(replace(config, projects=projects, state=state))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError("", f"{path} is not TOML: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("", f"cannot read {path}: {error}") from None


def _below(base: Path, given: str, key: str) -> str:
    """Return a path of config.toml as an absolute one."""
    if not given or "\0" in given:
        raise ConfigError(key, f"must be the path of a folder, not {given!r}")
    try:
        return os.path.normpath(base / Path(given).expanduser())
    except RuntimeError:
        raise ConfigError(key, f"there is no such home directory: {given!r}") from None


def check(config: Config) -> Config:
    """Return the config when its values make sense together.

    Raises:
        ConfigError: one does not; names the key and what it must be.
    """
    _check_addresses(config)
    _check_numbers(config)
    _check_names(config)
    if config.budgets is not None:
        if not config.claude_code.track_costs:
            raise ConfigError("claude_code.track_costs", "must be true where [budgets] is set")
        raise ConfigError("budgets", "not enforced by this version, so it is refused", "remove the table")
    return config


def _check_addresses(config: Config) -> None:
    for where, listener in (("supervisor", config.supervisor), ("http", config.http)):
        if listener.host not in LOOPBACK:
            problem = f"must be a loopback address, not {listener.host!r}"
            raise ConfigError(f"{where}.host", problem, "put a TLS proxy in front of it on the same machine")
        if not 0 <= listener.port <= 65535:
            raise ConfigError(f"{where}.port", f"must be 0 to 65535, not {listener.port}")
    if config.http.public_url and not _is_public_url(config.http.public_url):
        raise ConfigError("http.public_url", "must be https://HOST (or http:// on loopback), without query or password")
    for origin in config.supervisor.allowed_origins:
        if not ORIGIN.fullmatch(origin):
            raise ConfigError("supervisor.allowed_origins", f"must be like https://HOST, not {origin!r}")
    for proxy in config.http.trusted_proxies:
        try:
            ip_network(proxy)
        except ValueError:
            raise ConfigError("http.trusted_proxies", f"must be IP addresses or networks, not {proxy!r}") from None


def _is_public_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        bare = not (parts.query or parts.fragment or "@" in parts.netloc)
        return safe and bare and bool(parts.hostname) and parts.port != 0  # a port that is none raises
    except ValueError:
        return False


def _check_numbers(config: Config) -> None:
    for key in (*POSITIVE, *NOT_NEGATIVE):
        value = attrgetter(key)(config)
        if not (isfinite(value) and (value > 0 or (value == 0 and key in NOT_NEGATIVE))):
            raise ConfigError(key, f"must be {'greater than 0' if key in POSITIVE else '0 or more'}, not {value}")


def _check_names(config: Config) -> None:
    seen: dict[str, str] = {}
    for name in config.projects:
        if not NAME.fullmatch(name):
            raise ConfigError(f"projects.{name}", f"a project's name must match {NAME.pattern}")
        if (other := seen.setdefault(name.casefold(), name)) != name:
            raise ConfigError(f"projects.{name}", f"must differ from {other!r} in more than upper and lower case")
    for keyword in config.routing.keywords:
        if not KEYWORD.fullmatch(keyword):
            raise ConfigError("routing.keywords", f"must be single words of letters and digits, not {keyword!r}")
    default = config.routing.default_project
    if default and default not in config.projects:
        raise ConfigError("routing.default_project", f"must be one of [projects], not {default!r}")


def as_table(config: Config) -> dict[str, Any]:
    """Return a config as plain tables, without what is None, for tomli-w."""
    return asdict(config, dict_factory=lambda pairs: {key: value for key, value in pairs if value not in (None, {})})
