"""The state of the daemon: folder, database, secrets, users, configuration."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from pathlib import Path

from supervisor.config import Config
from supervisor.plugins import loading as plugins
from supervisor.protocol.errors import StorageError, XswarmError
from supervisor.protocol.ports.checks import Check, Standing
from supervisor.runtime.credentials import Credentials
from supervisor.runtime.state import AUDIT_SECRET, DATABASE_FILE, STORE_PASSWORD
from supervisor.store.inspection import NoDatabase
from supervisor.store.opening import inspect_database
from supervisor.tools.servers.settings import is_there, secrets_of
from supervisor.undo.recorder import CHECKPOINTS, shadow_name

LEAST_FREE_BYTES = 256 * 1024 * 1024
"""Less free disk space is a warning, in bytes."""

RESTORE = "restore a backup (made by `xswarm db backup`), and keep this file for analysis"
RESTORE_SERVER = "restore a backup of PostgreSQL, and keep a dump of this database (`pg_dump`) for analysis"


def folder(config: Config) -> list[Check]:
    """Check state.dir: its owner, its permissions, free disk space."""
    path = config.state_dir
    try:
        found = path.stat()
    except OSError:
        detail = f"{path} does not exist yet; `xswarm serve` creates it"
        return [Check(name="state folder", status=Standing.OK, detail=detail)]
    if found.st_uid != os.geteuid():
        remedy = "run xswarm as its owner, or set another state.dir"
        detail = f"{path} belongs to another user"
        return [Check(name="state folder", status=Standing.FAILED, detail=detail, remedy=remedy)]
    if found.st_mode & 0o022:
        detail = f"{path} can be written by other users; `xswarm serve` refuses it"
        return [Check(name="state folder", status=Standing.FAILED, detail=detail, remedy=f"chmod 700 {path}")]
    for parent in path.resolve().parents:
        mode = parent.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            detail = f"{path} can be replaced by other users, because they can write to {parent}"
            return [Check(name="state folder", status=Standing.WARNING, detail=detail, remedy=f"chmod o-w {parent}")]
    if found.st_mode & 0o077:
        detail = f"{path} can be read by other users"
        return [Check(name="state folder", status=Standing.WARNING, detail=detail, remedy=f"chmod 700 {path}")]
    free = shutil.disk_usage(path).free
    if free < LEAST_FREE_BYTES:
        detail = f"{path} has only {free // 1_000_000} MB left"
        return [Check(name="state folder", status=Standing.WARNING, detail=detail, remedy="free disk space there")]
    return [Check(name="state folder", status=Standing.OK, detail=f"{path}, {free // 1_000_000} MB free")]


def recorded_states(config: Config) -> list[Check]:
    """Check whether repositories of recorded states were damaged; earlier turns of their projects cannot be undone."""
    folder = config.state_dir / CHECKPOINTS
    damaged = sorted(folder.glob("*.damaged-*"))
    if not damaged:
        return []
    names = {shadow_name(os.path.realpath(project.path)): name for name, project in config.projects.items()}
    found = sorted({names.get(path.name.rpartition(".damaged-")[0], "a folder not in config.toml") for path in damaged})
    detail = f"recorded states were damaged, so earlier turns cannot be undone: {', '.join(found)}"
    remedy = f"check the disk; then delete {folder}/*.damaged-*, which is kept for analysis only"
    return [Check(name="undo", status=Standing.WARNING, detail=detail, remedy=remedy)]


def projects(config: Config) -> list[Check]:
    """Check whether the folders of the projects are there and can be used; those of a remote machine are not ours."""
    if config.claude_code.connector == "remote":
        return []
    checks = []
    for name, project in config.projects.items():
        if why := _unusable(project.path):
            remedy = f"create it, or set projects.{name}.path; until then its messages are refused"
            detail = f"{project.path} {why}"
            checks.append(Check(name=f"project {name}", status=Standing.WARNING, detail=detail, remedy=remedy))
    return checks


def _unusable(folder: str) -> str:
    """Return why nobody can work in a folder, as the end of a sentence; empty = it can be used."""
    if not os.path.exists(folder):
        return "is not there"
    if not os.path.isdir(folder):
        return "is not a folder"
    return "" if os.access(folder, os.R_OK | os.W_OK | os.X_OK) else "cannot be read and written by this user"


def needed(config: Config, *, offline: bool) -> dict[str, str]:
    """Return the names of the secrets that a configuration needs, by the part that needs each."""
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
    """Check whether the needed secrets are set; no value is shown.

    Args:
        running: whether a daemon runs. It has the secrets in its own environment, or needs none (offline).
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
            detail, remedy = f"{detail}; the running daemon has its own, or is offline", ""
        checks.append(Check(name=name, status=status, detail=detail, remedy=remedy))
    return checks


def channels(config: Config) -> list[Check]:
    """Check the tables of the channels and the name of the connector, as the start of the daemon does."""
    try:
        plugins.check_plugins(config)
    except XswarmError as error:
        return [Check(name="channels", status=Standing.FAILED, detail=str(error), remedy=error.remedy)]
    names = ", ".join(sorted(config.channels)) or "no channel is configured"
    return [Check(name="channels", status=Standing.OK, detail=names)]


def tool_servers(config: Config) -> list[Check]:
    """Check whether the programs of tool servers can be found, and their secrets are set; none is started."""
    credentials = Credentials(config.state_dir, os.environ)
    checks = []
    for name, table in config.mcp.items():
        missing = [secret for secret in secrets_of(table) if credentials.secret(secret) is None]
        remedy, status = "", Standing.OK
        detail = f"{table.url or table.command}: it is connected to when the daemon runs"
        if not is_there(table):
            status, detail, remedy = Standing.WARNING, f"{table.command} is not found", f"install it, or set mcp.{name}"
        elif missing:
            status, detail = Standing.WARNING, f"{', '.join(missing)} not set in this environment"
            remedy = "set them for the daemon, which does not start without them"
        checks.append(Check(name=f"tool server {name}", status=status, detail=detail, remedy=remedy))
    return checks


async def database(config: Config) -> list[Check]:
    """Check the database and its users without a daemon; an older database is not migrated."""
    credentials = Credentials(config.state_dir, os.environ)
    used = credentials.was_generated(AUDIT_SECRET)
    try:
        password, path = credentials.secret(STORE_PASSWORD), config.state_dir / DATABASE_FILE
        found = await asyncio.to_thread(inspect_database, config.store.url, password, path, used=used)
    except NoDatabase:
        return [Check(name="database", status=Standing.OK, detail="does not exist yet; `xswarm serve` creates it")]
    except StorageError as error:
        return [Check(name="database", status=Standing.FAILED, detail=error.why, remedy=error.remedy)]
    except XswarmError as error:
        return [Check(name="database", status=Standing.FAILED, detail=str(error), remedy=error.remedy)]
    checks = [soundness(found.problems, found.unchecked), people(found.users, found.reachable)]
    if found.version != found.newest and checks[0].status is Standing.OK:
        detail = f"sound; `xswarm serve` migrates it from version {found.version} to {found.newest}"
        checks[0] = Check(name="database", status=Standing.OK, detail=detail)
    return checks


def soundness(problems: list[str], unchecked: str) -> Check:
    """Return the result of a check of the database.

    Args:
        unchecked: what was left to tools of the engine, as a sentence; empty = nothing.
    """
    if problems:
        remedy = RESTORE_SERVER if unchecked else RESTORE
        return Check(name="database", status=Standing.FAILED, detail="; ".join(problems[:3]), remedy=remedy)
    detail = f"its totals agree; {unchecked}" if unchecked else "sound, and its totals agree"
    return Check(name="database", status=Standing.OK, detail=detail)


def people(users: int, reachable: int) -> Check:
    """Check whether any user can send messages.

    Args:
        reachable: the number of users with a phone or mailbox.
    """
    if not users:
        remedy = "add a user with `xswarm user add`"
        return Check(name="people", status=Standing.WARNING, detail="there are no users yet", remedy=remedy)
    detail = f"{users} user{'' if users == 1 else 's'}, {reachable or 'none'} with a phone or mailbox"
    if not reachable:
        remedy = "add one: `xswarm user add ID --phone +15550100 --email ann@example.com`"
        return Check(name="people", status=Standing.WARNING, detail=detail, remedy=remedy)
    return Check(name="people", status=Standing.OK, detail=detail)


def config_file(path: Path | None) -> Check:
    """Return which configuration file is used."""
    detail = str(path) if path is not None else "no file; every key has its default"
    return Check(name="configuration", status=Standing.OK, detail=detail)
