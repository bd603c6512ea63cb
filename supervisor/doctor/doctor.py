"""All checks of the doctor, in the order of their dependencies."""

from __future__ import annotations

import os
from pathlib import Path

from supervisor import config
from supervisor.doctor import machine, running, state
from supervisor.plugins import loading as plugins
from supervisor.plugins.host import DaemonConnectorHost
from supervisor.protocol.errors import XswarmError
from supervisor.protocol.ports.checks import Check, Standing
from supervisor.runtime.credentials import Credentials


async def examine(config_file: Path | None, *, offline: bool = False) -> list[Check]:
    """Run every check that is possible; change nothing, and call no provider."""
    checks = machine.examine()
    try:
        path = config.find(config_file)
        settings = config.load(path)
    except XswarmError as error:
        failed = Check(name="configuration", status=Standing.FAILED, detail=str(error), remedy=error.remedy)
        return [*checks, failed]
    checks += [state.config_file(path), *state.folder(settings), *state.recorded_states(settings)]
    checks += [*state.channels(settings), *state.projects(settings)]
    try:
        found = running.addresses(settings)
    except PermissionError as error:
        remedy = "run xswarm as the owner of state.dir, or as root"
        detail = f"cannot check whether a daemon runs: {error.strerror}: {error.filename}"
        return [*checks, Check(name="daemon", status=Standing.FAILED, detail=detail, remedy=remedy)]
    checks += state.secrets(settings, offline=offline, running=found is not None)
    checks += await _connector(settings)
    if found is not None:
        return [*checks, *await running.daemon(found, settings.channels)]
    return [*checks, *state.tool_servers(settings), *running.ports(settings), *await state.database(settings)]


async def _connector(settings: config.Config) -> list[Check]:
    name = settings.claude_code.connector
    try:
        host = DaemonConnectorHost(Credentials(settings.state_dir, os.environ), settings.own_folders)
        return list(await plugins.build_connector(name, "claude_code", settings.claude_code, host).examine())
    except XswarmError as error:
        return [Check(name=name, status=Standing.FAILED, detail=str(error), remedy=error.remedy)]
