"""`xswarm claude approvals`, `approve` and `deny`: answers questions about tool calls."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from cli import show
from cli.daemon import admin
from cli.options import AsJson, ConfigFile

Code = Annotated[str, typer.Argument(metavar="CODE", help="The code of the question, from `approvals`, or its id.")]


def approvals(as_json: AsJson = False, config_file: ConfigFile = None) -> None:
    """List the tool calls that wait for an answer."""
    waiting = admin.call(config_file, "GET", "/api/approvals", needs_daemon=True)["approvals"]
    if as_json:
        show.document(waiting)
    elif waiting:
        rows = [
            (one["code"], one["project"], one["user_id"], one["risk"], one["summary"], show.moment(one["expires_at"]))
            for one in waiting
        ]
        show.out(show.table(("CODE", "PROJECT", "ASKED BY", "RISK", "CALL", "UNTIL"), rows))
    else:
        show.note("Nothing waits for an answer.")


def approve(
    code: Code,
    minutes: Annotated[
        int,
        typer.Option(
            min=0, max=120, help="Allow the same tool in this project for so many minutes; 0 = only this call."
        ),
    ] = 0,
    as_json: AsJson = False,
    config_file: ConfigFile = None,
) -> None:
    """Allow a tool call."""
    _decide(code, "allow", minutes, as_json, config_file)


def deny(code: Code, as_json: AsJson = False, config_file: ConfigFile = None) -> None:
    """Deny a tool call."""
    _decide(code, "deny", 0, as_json, config_file)


def _decide(code: str, decision: str, minutes: int, as_json: bool, config_file: Path | None) -> None:
    name = code.upper() if len(code) == len("KXQPT") else code
    body = {"decision": decision, "minutes": minutes}
    answer = admin.call(config_file, "POST", f"/api/approvals/{quote(name, safe='')}", body, needs_daemon=True)
    if as_json:
        show.document(answer)
    else:
        show.out(f"{'Allowed' if decision == 'allow' else 'Denied'}: {answer['summary']}")
