"""`xswarm serve`: runs the daemon in the foreground."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import ConfigFile, example
from supervisor import config, daemon

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
    path = config.find(config_file)
    raise typer.Exit(daemon.main(config.load(path), config_path=path, offline=offline, demo=demo))
