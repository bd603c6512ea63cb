"""The installed Claude Code: its path, its version, and whether it runs."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import subprocess

from supervisor.protocol.errors import ConfigError
from supervisor.protocol.ports.checks import Check, Standing

KEY = "claude_code.cli_path"
REMEDY = "install claude-agent-sdk, whose wheel carries it, or set claude_code.cli_path"
TESTED_VERSION = "2.1.329"
"""The version that the tests run with; another version may work as well."""
VERSION_TIMEOUT = 20.0
"""Seconds that `claude --version` may take."""


def find(configured: str | None) -> str:
    """Return the path of the CLI: the configured one, else that of claude-agent-sdk's wheel, else the one on PATH.

    Raises:
        ConfigError: there is none, or it may not be executed.
    """
    path = configured or _bundled() or shutil.which("claude")
    if path is None:
        raise ConfigError(KEY, "Claude Code is not installed", REMEDY)
    if not os.path.isfile(path):
        raise ConfigError(KEY, f"there is no Claude Code at {path}", REMEDY)
    if not os.access(path, os.X_OK):
        raise ConfigError(KEY, f"Claude Code at {path} may not be executed", "make it executable: chmod +x")
    return path


async def ask_version(cli: str) -> str:
    """Return the version that the CLI prints.

    Raises:
        ConfigError: the CLI does not run.
    """
    try:
        return await asyncio.to_thread(_run_version, cli)
    except (OSError, subprocess.SubprocessError) as error:
        raise ConfigError(KEY, f"{cli} does not run: {error}", REMEDY) from error


def examined(cli: str, version: str) -> Check:
    """Return the check of the CLI, for the doctor."""
    if version == TESTED_VERSION:
        return Check(name="claude code", status=Standing.OK, detail=f"Claude Code {version} at {cli}")
    detail = f"Claude Code {version} at {cli}; tested was {TESTED_VERSION}"
    remedy = "use the CLI of the locked claude-agent-sdk: leave claude_code.cli_path empty"
    return Check(name="claude code", status=Standing.WARNING, detail=detail, remedy=remedy)


def _bundled() -> str | None:
    """Return the CLI in claude-agent-sdk's wheel; the package is located, not imported."""
    spec = importlib.util.find_spec("claude_agent_sdk")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = os.path.join(folder, "_bundled", "claude")
        if os.path.isfile(path):
            return path
    return None


def _run_version(cli: str) -> str:
    ran = subprocess.run(
        [cli, "--version"],
        env={"PATH": os.defpath},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=VERSION_TIMEOUT,
        check=True,
    )
    return ran.stdout.decode(errors="replace").strip()[:100].split(" ")[0]
