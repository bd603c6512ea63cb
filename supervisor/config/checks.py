"""Checks of the values of config.toml that the types alone do not express."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields
from ipaddress import ip_network
from math import isfinite
from operator import attrgetter
from urllib.parse import urlsplit

from supervisor.config.cluster import check_cluster, check_shared_dir
from supervisor.config.issuers import check_issuers
from supervisor.config.mcp import check_server
from supervisor.config.oidc import check_oidc
from supervisor.config.store import check_store
from supervisor.config.tables import BudgetConfig, Config
from supervisor.protocol.errors import ConfigError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""The form of names of projects and ids of users."""

KEYWORD = re.compile(r"[^\W_]+")
"""The form of a keyword: one word, as the router compares whole words."""

MAILBOX = re.compile(r"[^\s@]+@[^\s@]+")
"""The form of a mail address, as far as a slip of the pen shows."""

ORIGIN = re.compile(r"https?://[^/\s]+")
"""The form of a browser's Origin header (RFC 6454 section 7)."""

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
"""The hosts on which the servers may listen."""

POSITIVE = (
    "supervisor.drain_seconds http.query_token_max_seconds claude_code.max_sessions claude_code.max_processes "
    "claude_code.turn_timeout_seconds assistant.max_tokens assistant.max_rounds assistant.tool_timeout_seconds "
    "limits.messages_per_minute limits.messages_per_hour uploads.max_mb uploads.files uploads.keep_days "
    "approvals.expires_seconds claude_code.checkpoint_seconds audit.keep_days "
    "auth.session_hours auth.session_idle_hours"
).split()
"""Keys whose values must be greater than 0."""

NOT_NEGATIVE = (
    "supervisor.ack_after_seconds claude_code.idle_timeout_seconds claude_code.max_sessions_per_user "
    "claude_code.session_memory_mb claude_code.session_processes "
    "assistant.history_tokens routing.followup_seconds "
    "progress.progress_after_seconds progress.stuck_after_seconds"
).split()
"""Keys whose values must be 0 or more."""


def check(config: Config) -> Config:
    """Return the config if its values are valid.

    Raises:
        ConfigError: a value is invalid; the error names the key and what it must be.
    """
    _check_addresses(config)
    _check_numbers(config)
    _check_names(config)
    check_store(config.store)
    places = {name: (project.nodes, project.everywhere) for name, project in config.projects.items()}
    check_cluster(config.node, config.cluster, places, on_postgres=bool(config.store.url), name=NAME)
    check_shared_dir(config.cluster, {name: project.path for name, project in config.projects.items()})
    _check_protected(config.approvals.protected)
    for name in config.auth.issuers:
        if not NAME.fullmatch(name):
            raise ConfigError(f"auth.issuers.{name}", f"its name must match {NAME.pattern}")
    check_issuers(config.auth.issuers)
    check_oidc(config.auth.oidc)
    for address in config.audit.anchor_mail:
        if not MAILBOX.fullmatch(address):
            raise ConfigError("audit.anchor_mail", f"must be mail addresses, not {address!r}")
    if config.audit.anchor_mail and "mail" not in config.channels:
        raise ConfigError("audit.anchor_mail", "needs [channels.mail]", "add that table, or use audit.anchor_file")
    for name, server in config.mcp.items():
        check_server(name, server, is_url=_is_public_url)
    if config.budgets is not None:
        if not config.claude_code.track_costs:
            raise ConfigError("claude_code.track_costs", "must be true where [budgets] is set")
        _check_budgets(config.budgets)
    return config


def _check_protected(names: Sequence[str]) -> None:
    for name in names:
        parts = name.removesuffix("/").split("/")
        if not all(part.strip() and part not in (".", "..") for part in parts) or "\0" in name:
            raise ConfigError(
                "approvals.protected", f'must be names of files and folders like ".vscode" or "a/b", not {name!r}'
            )


def _check_budgets(budgets: BudgetConfig) -> None:
    for item in fields(budgets):
        value = getattr(budgets, item.name)
        if value is not None and not (isfinite(value) and value > 0):
            raise ConfigError(f"budgets.{item.name}", f"must be greater than 0, not {value}")


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
        return safe and bare and bool(parts.hostname) and parts.port != 0  # reading an invalid port raises ValueError
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
