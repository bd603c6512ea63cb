"""Tries out the channels that `xswarm init` has set up: asks whom to write to, and shows the result of each step."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from cli import show
from cli.failures import ExitCode
from cli.imports import imported
from supervisor.config import Config
from supervisor.protocol.ports.checks import Check, Standing

SECRETS = {"sms": "TWILIO_AUTH_TOKEN", "mail": "SMTP_PASSWORD"}
"""The secret that each channel reads from the environment."""

QUESTIONS = {
    "sms": "Your phone, for a test text (+15551234567; empty: none)",
    "mail": "Your mail address, for a test mail (empty: none)",
}


def run(path: Path, settings: Config) -> ExitCode:
    """Try out the channels of a configuration whose secrets are set; return the exit code of the command."""
    to: dict[str, str] = {}
    for name in settings.channels:
        if name not in QUESTIONS:
            continue
        if _lacks_secret(name, settings):
            show.note(f"{name}: not tried, because {SECRETS[name]} is not set. Set it, then: xswarm init --try")
        elif recipient := typer.prompt(QUESTIONS[name], default="", show_default=False).strip():
            to[name] = recipient
    if not to:
        return ExitCode.DONE
    checks = imported("cli.daemon.checks")  # by name, as in admin.py
    return ExitCode.DONE if checks.try_out(path, to, tell=_tell, ask=typer.prompt) else ExitCode.FAILED


def _lacks_secret(name: str, settings: Config) -> bool:
    if name == "mail" and not settings.channels[name].get("smtp", {}).get("username"):
        return False  # the server wants no login
    return not (os.environ.get(SECRETS[name]) or os.environ.get(f"{SECRETS[name]}_FILE"))


def _tell(check: Check) -> None:
    word = {Standing.OK: "ok", Standing.WARNING: "warning", Standing.FAILED: "FAILED"}[check.status]
    show.out(f"{word}: {check.name}: {check.detail}")
    if check.remedy:
        show.note(f"  to do: {check.remedy}")
