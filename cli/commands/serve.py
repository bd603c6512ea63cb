"""`xswarm serve`: runs the daemon in the foreground."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.imports import imported
from cli.options import ConfigFile, example

app = typer.Typer(add_completion=False)


@app.command(epilog=example("xswarm serve --config config.toml", "xswarm serve --offline"))
def serve(
    config_file: ConfigFile = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="A script instead of a model: no key, no network, everything else real.")
    ] = False,
    demo: Annotated[
        bool, typer.Option("--demo", help="Add a demo user, a scratch project, and a stand-in for Twilio and SMTP.")
    ] = False,
) -> None:
    """Run the daemon; SIGTERM or Ctrl-C lets running turns finish and ends it, a second one ends it at once."""
    # Imported here by name, as in main.py: a wrong configuration is told before the daemon is imported.
    config = imported("supervisor.config")
    path = config.find(config_file)
    settings = config.load(path)
    daemon = imported("supervisor.daemon")
    raise typer.Exit(daemon.main(settings, config_path=path, offline=offline, demo=demo))
