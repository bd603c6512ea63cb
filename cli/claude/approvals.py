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

SHOWN_CHARACTERS = 4_000
"""How much of each call the list shows."""


def approvals(
    code: Annotated[str | None, typer.Argument(metavar="[CODE]", help="Show the whole call of this question.")] = None,
    as_json: AsJson = False,
    config_file: ConfigFile = None,
) -> None:
    """List the tool calls that wait for an answer, or show one of them whole."""
    if code is not None:
        _show(code, as_json, config_file)
        return
    waiting = admin.call(config_file, "GET", "/api/approvals", needs_daemon=True)["approvals"]
    if as_json:
        show.document(waiting)
    elif waiting:
        rows = [
            (one["code"], one["project"], one["user_id"], one["risk"], show.moment(one["expires_at"]))
            for one in waiting
        ]
        show.out(show.table(("CODE", "PROJECT", "ASKED BY", "RISK", "UNTIL"), rows))
        for one in waiting:
            show.out(f"\n{one['code']}: {one['call'][:SHOWN_CHARACTERS]}")
            if len(one["call"]) > SHOWN_CHARACTERS:
                show.note(f"It has {one['characters']} characters: `xswarm claude approvals {one['code']}` shows all.")
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


def _show(code: str, as_json: bool, config_file: Path | None) -> None:
    one = admin.call(config_file, "GET", _url(code), needs_daemon=True)
    if as_json:
        show.document(one)
        return
    pairs = [
        ("Code", one["code"]),
        ("Project", one["project"]),
        ("Asked by", one["user_id"]),
        ("Risk", one["risk"]),
        ("State", one["state"]),
        ("Until", show.moment(one["expires_at"])),
        ("Length", f"{one['characters']} characters"),
    ]
    show.out(show.details(pairs))
    show.out(f"\n{one['call']}")
    if one["diff"]:
        show.out(f"\nWhat it changes:\n{one['diff']}")


def _decide(code: str, decision: str, minutes: int, as_json: bool, config_file: Path | None) -> None:
    body = {"decision": decision, "minutes": minutes}
    answer = admin.call(config_file, "POST", _url(code), body, needs_daemon=True)
    if as_json:
        show.document(answer)
    else:
        show.out(f"{'Allowed' if decision == 'allow' else 'Denied'}: {answer['summary']}")


def _url(code: str) -> str:
    """Return the path of a question, by its code in upper or lower case, or by its id."""
    name = code.upper() if len(code) == len("KXQPT") else code
    return f"/api/approvals/{quote(name, safe='')}"
