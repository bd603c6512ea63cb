"""`xswarm mail`: lists the mails that were dropped or refused, and lets one in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from cli import show
from cli.daemon import admin
from cli.options import AsJson, ConfigFile, example

SHOWN_CHARACTERS = 40

app = typer.Typer(add_completion=False, no_args_is_help=True, epilog=example("xswarm mail dropped"))


@app.callback()
def mail() -> None:
    """Mail that was dropped or refused."""


@app.command(epilog=example("xswarm mail dropped", "xswarm mail dropped --json"))
def dropped(as_json: AsJson = False, config_file: ConfigFile = None) -> None:
    """List the mails that were dropped or refused within 30 days, newest first, each with its reason."""
    found = admin.call(config_file, "GET", "/api/admin/dropped/mail")["dropped"]
    if as_json:
        show.document(found)
    elif found:
        show.out(show.table(("NUMBER", "SINCE", "FROM", "SUBJECT", "STATE", "REASON"), _rows(found)))
    else:
        show.note("No mail was dropped.")


@app.command("let-in", epilog=example("xswarm mail let-in 17"))
def let_in(
    number: Annotated[int, typer.Argument(min=1, help="As `xswarm mail dropped` shows it.")],
    config_file: ConfigFile = None,
) -> None:
    """Let a dropped mail in: it runs as a message of the user who has its address, who gets the answer.

    Check first that this user has written it: the sender of a dropped mail may be forged.
    """
    answer = admin.call(config_file, "POST", f"/api/admin/dropped/{number}/let-in", needs_daemon=True)
    show.out(f"Mail {number} was let in as message {answer['message_id']}.")


def _rows(found: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    return [
        (
            str(one["id"]),
            show.moment(one["at"]),
            one["sender"],
            " ".join((one["subject"] or one["message"]).split())[:SHOWN_CHARACTERS],
            "let in" if one["let_in_at"] else "kept" if one["kept"] else "not kept",
            one["reason"],
        )
        for one in found
    ]
