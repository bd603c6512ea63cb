"""`xswarm route`: shows where a message would go, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import show
from cli.daemon import admin
from cli.options import AsJson, ConfigFile, example

app = typer.Typer(add_completion=False)

_TARGETS = {"claude_code": "Claude Code", "assistant": "the assistant", "refused": "nobody: it would be refused"}


@app.command(epilog=example('xswarm route "fix the login test" --user alice --channel sms'))
def route(
    text: Annotated[str, typer.Argument(help="The message.")],
    user: Annotated[str | None, typer.Option(metavar="ID", help="The user who would write it.")] = None,
    channel: Annotated[
        str | None, typer.Option(metavar="C", help="The channel by which it would come: sms, mail, ...")
    ] = None,
    as_json: AsJson = False,
    config_file: ConfigFile = None,
) -> None:
    """Show where a message would go, and why; nothing is sent."""
    body = {"text": text}
    if user is not None:
        body["user_id"] = user
    if channel is not None:
        body["channel"] = channel
    answer = admin.call(config_file, "POST", "/api/admin/route", body, needs_daemon=True)
    if as_json:
        show.document(answer)
        return
    project = f", project {answer['project']}" if answer.get("project") else ""
    show.out(f"To {_TARGETS.get(answer['target'], answer['target'])}{project} ({answer['reason']}).")
