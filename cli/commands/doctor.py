"""`xswarm doctor`: checks the machine, the configuration and the state, and names remedies."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import show
from cli.failures import ExitCode
from cli.imports import imported
from cli.options import AsJson, ConfigFile, example

SIGNS = {"ok": "ok     ", "warning": "warning", "failed": "FAILED "}

app = typer.Typer(add_completion=False)


@app.command(epilog=example("xswarm doctor", "xswarm doctor --json"))
def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Check for a daemon that runs without a key.")] = False,
    as_json: AsJson = False,
    config_file: ConfigFile = None,
) -> None:
    """Check the machine, the configuration and the state; exit code 1 where something does not work."""
    # Imported here by name, as in main.py: it imports most of the daemon.
    checks = imported("cli.daemon.checks").examine(config_file, offline=offline)
    if as_json:
        show.document(checks)
    for check in () if as_json else checks:
        show.out(f"{SIGNS[check['status']]}  {check['name']}: {check['detail']}")
        if check["remedy"]:
            show.out(f"         -> {check['remedy']}")
    if any(check["status"] == "failed" for check in checks):
        raise typer.Exit(ExitCode.FAILED)
