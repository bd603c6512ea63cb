"""What the daemon keeps: its folder, its database, its secrets, its people."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from supervisor import maintenance, plugins
from supervisor.config import Config
from supervisor.credentials import Credentials
from supervisor.opening import DATABASE
from supervisor.protocol.checks import Check, Standing
from supervisor.protocol.errors import XswarmError

LEAST_FREE_BYTES = 256 * 1024 * 1024

CHANNEL_SECRETS = {"sms": "TWILIO_AUTH_TOKEN"}
"""What a channel cannot work without; a mail server may need none."""


def folder(config: Config) -> list[Check]:
    """Look at state.dir."""
    path = config.state_dir
    try:
        found = path.stat()
    except OSError:
        detail = f"{path} does not exist yet; `xswarm serve` makes it"
        return [Check(name="state folder", status=Standing.OK, detail=detail)]
    if found.st_uid != os.geteuid():
        remedy = "run xswarm as its owner, or name another state.dir"
        detail = f"{path} belongs to another user"
        return [Check(name="state folder", status=Standing.FAILED, detail=detail, remedy=remedy)]
    if found.st_mode & 0o077:
        detail = f"{path} can be opened by others"
        return [Check(name="state folder", status=Standing.WARNING, detail=detail, remedy=f"chmod 700 {path}")]
    free = shutil.disk_usage(path).free
    if free < LEAST_FREE_BYTES:
        detail = f"{path} has {free // 1_000_000} MB left"
        return [Check(name="state folder", status=Standing.WARNING, detail=detail, remedy="free disk space there")]
    return [Check(name="state folder", status=Standing.OK, detail=f"{path}, {free // 1_000_000} MB free")]


def secrets(config: Config, *, offline: bool) -> list[Check]:
    """Look whether the secrets are there that the configuration needs; none is shown."""
    credentials = Credentials(config.state_dir, os.environ)
    needed = {f"channel {name}": CHANNEL_SECRETS[name] for name in config.channels if name in CHANNEL_SECRETS}
    if not offline:
        needed["model"] = "ANTHROPIC_API_KEY"
    checks = []
    for name, secret in needed.items():
        try:
            present = credentials.secret(secret) is not None
        except XswarmError as error:
            checks.append(Check(name=name, status=Standing.FAILED, detail=str(error), remedy=error.remedy))
            continue
        status = Standing.OK if present else Standing.WARNING
        detail = f"{secret} is {'set' if present else 'not set in this environment'}"
        remedy = "" if present else f"set {secret} or {secret}_FILE for the daemon, or start it with --offline"
        checks.append(Check(name=name, status=status, detail=detail, remedy=remedy))
    return checks


def channels(config: Config) -> list[Check]:
    """Look at the tables of channels and the name of the connector, as the start does."""
    try:
        plugins.check(config)
    except XswarmError as error:
        return [Check(name="channels", status=Standing.FAILED, detail=str(error), remedy=error.remedy)]
    names = ", ".join(sorted(config.channels)) or "none is configured"
    return [Check(name="channels", status=Standing.OK, detail=names)]


async def database(config: Config) -> list[Check]:
    """Look at the database and the people in it; only while no daemon has it."""
    if not (config.state_dir / DATABASE).exists():
        return [Check(name="database", status=Standing.OK, detail="there is none yet; `xswarm serve` makes it")]
    try:
        problems = (await _ask(config, "POST", "/api/admin/check"))["problems"]
        users = (await _ask(config, "GET", "/api/admin/users"))["users"]
    except XswarmError as error:
        return [Check(name="database", status=Standing.FAILED, detail=str(error), remedy=error.remedy)]
    if problems:
        remedy = "restore a backup (`xswarm db backup` makes them), and keep this file for a look at it"
        return [Check(name="database", status=Standing.FAILED, detail="; ".join(problems[:3]), remedy=remedy)]
    return [Check(name="database", status=Standing.OK, detail="it is sound, and its sums agree"), people(users)]


def people(users: list[dict[str, Any]]) -> Check:
    """Say whether anybody can write to it."""
    reachable = [user for user in users if user["addresses"]]
    if not users:
        remedy = "add somebody with `xswarm user add`"
        return Check(name="people", status=Standing.WARNING, detail="nobody may use it yet", remedy=remedy)
    detail = f"{len(users)} users, {len(reachable)} of them with a phone or mailbox"
    return Check(name="people", status=Standing.OK, detail=detail)


async def _ask(config: Config, method: str, path: str) -> dict[str, Any]:
    _, answer = await maintenance.call(config, method, path, None)
    return answer


def config_file(path: Path | None) -> Check:
    """Say which configuration counts."""
    detail = str(path) if path is not None else "there is none; everything has its default"
    return Check(name="configuration", status=Standing.OK, detail=detail)
