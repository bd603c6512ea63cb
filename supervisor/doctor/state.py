"""What the daemon keeps: its folder, its database, its secrets, its people."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

from supervisor.config import Config
from supervisor.plugins import loading as plugins
from supervisor.protocol.errors import StorageError, XswarmError
from supervisor.protocol.ports import Check, Standing
from supervisor.runtime.credentials import Credentials
from supervisor.runtime.state import DATABASE_FILE
from supervisor.store.inspection import inspect

LEAST_FREE_BYTES = 256 * 1024 * 1024

RESTORE = "restore a backup (`xswarm db backup` makes them), and keep this file for a look at it"


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


def needed(config: Config, *, offline: bool) -> dict[str, str]:
    """Return the secrets that a configuration cannot work without, by what needs them."""
    found = {}
    if "sms" in config.channels:
        found["channel sms"] = "TWILIO_AUTH_TOKEN"
    smtp = config.channels.get("mail", {}).get("smtp")
    if isinstance(smtp, dict) and smtp.get("username"):
        found["channel mail"] = "SMTP_PASSWORD"
    if config.claude_code.connector == "remote":
        found["remote Claude Code"] = "CLAUDE_CODE_AUTH_TOKEN"
    if not offline:
        found["model"] = "ANTHROPIC_API_KEY"
    return found


def secrets(config: Config, *, offline: bool, running: bool = False) -> list[Check]:
    """Look whether the secrets are there that the configuration needs; none is shown.

    Args:
        running: a daemon runs: it has what it needs, in an environment of its own, or needs none (offline).
    """
    credentials = Credentials(config.state_dir, os.environ)
    checks = []
    for name, secret in needed(config, offline=offline).items():
        try:
            present = credentials.secret(secret) is not None
        except XswarmError as error:
            checks.append(Check(name=name, status=Standing.FAILED, detail=str(error), remedy=error.remedy))
            continue
        status = Standing.OK if present or running else Standing.WARNING
        detail = f"{secret} is {'set' if present else 'not set in this environment'}"
        remedy = "" if present else f"set {secret} or {secret}_FILE for the daemon"
        if secret == "ANTHROPIC_API_KEY" and not present:  # noqa: S105 - a secret's name
            remedy += ", or start it with --offline"
        if running and not present:
            detail, remedy = f"{detail}; the daemon that runs has its own, or is offline", ""
        checks.append(Check(name=name, status=status, detail=detail, remedy=remedy))
    return checks


def channels(config: Config) -> list[Check]:
    """Look at the tables of channels and the name of the connector, as the start does."""
    try:
        plugins.check_plugins(config)
    except XswarmError as error:
        return [Check(name="channels", status=Standing.FAILED, detail=str(error), remedy=error.remedy)]
    names = ", ".join(sorted(config.channels)) or "none is configured"
    return [Check(name="channels", status=Standing.OK, detail=names)]


async def database(config: Config) -> list[Check]:
    """Look at the database and the people in it, while no daemon has it; it stays as it is, older ones too."""
    if not (config.state_dir / DATABASE_FILE).exists():
        return [Check(name="database", status=Standing.OK, detail="there is none yet; `xswarm serve` makes it")]
    try:
        found = await asyncio.to_thread(inspect, config.state_dir / DATABASE_FILE)
    except StorageError as error:
        return [Check(name="database", status=Standing.FAILED, detail=error.why, remedy=RESTORE)]
    except XswarmError as error:
        return [Check(name="database", status=Standing.FAILED, detail=str(error), remedy=error.remedy)]
    checks = [soundness(found.problems), people(found.users, found.reachable)]
    if found.version != found.newest and checks[0].status is Standing.OK:
        detail = f"it is sound; `xswarm serve` brings it from version {found.version} to {found.newest}"
        checks[0] = Check(name="database", status=Standing.OK, detail=detail)
    return checks


def soundness(problems: list[str]) -> Check:
    """Say how the database stands, by what a check of it found."""
    if problems:
        return Check(name="database", status=Standing.FAILED, detail="; ".join(problems[:3]), remedy=RESTORE)
    return Check(name="database", status=Standing.OK, detail="it is sound, and its sums agree")


def people(users: int, reachable: int) -> Check:
    """Say whether anybody can write to it.

    Args:
        reachable: how many of the users have a phone or mailbox.
    """
    if not users:
        remedy = "add somebody with `xswarm user add`"
        return Check(name="people", status=Standing.WARNING, detail="nobody may use it yet", remedy=remedy)
    detail = f"{users} users, {reachable or 'none'} of them with a phone or mailbox"
    if not reachable:
        remedy = "give somebody one: `xswarm user add ID --phone +15550100 --email ann@example.com`"
        return Check(name="people", status=Standing.WARNING, detail=detail, remedy=remedy)
    return Check(name="people", status=Standing.OK, detail=detail)


def config_file(path: Path | None) -> Check:
    """Say which configuration counts."""
    detail = str(path) if path is not None else "there is none; everything has its default"
    return Check(name="configuration", status=Standing.OK, detail=detail)
