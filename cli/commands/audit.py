"""`xswarm audit`: verifies and exports the audit trail, with or without a running daemon."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import show
from cli.daemon import admin
from cli.failures import ExitCode, Refused
from cli.options import AsJson, ConfigFile, example

app = typer.Typer(add_completion=False, no_args_is_help=True, epilog=example("xswarm audit verify"))


@app.callback()
def audit() -> None:
    """The audit trail: who did what, in a hash chain that reveals changed entries."""


@app.command(epilog=example("xswarm audit verify"))
def verify(as_json: AsJson = False, config_file: ConfigFile = None) -> None:
    """Verify the whole chain; exit code 1 where an entry was changed or removed.

    Entries removed from the end of the chain are not noticed: compare the number of entries with your last export.
    """
    answer = admin.call(config_file, "GET", "/api/admin/audit/verify")
    if as_json:
        show.document(answer)
    else:
        show.out(answer["problem"] or f"The audit trail is intact: {answer['entries']} entries.")
    if answer["problem"]:
        raise typer.Exit(ExitCode.FAILED)


@app.command(epilog=example("xswarm audit export", "xswarm audit export /var/backups/audit.jsonl"))
def export(
    file: Annotated[Path | None, typer.Argument(help="A new file; without it, stdout.")] = None,
    after: Annotated[int, typer.Option(min=0, help="Only entries behind this number.")] = 0,
    config_file: ConfigFile = None,
) -> None:
    """Write the audit trail, one JSON object on each line, oldest first."""
    entries = _entries(config_file, after)
    if file is None:
        for entry in entries:
            typer.echo(_line(entry))
        return
    first = list(islice(entries, 1))  # before the file is made: a refused request leaves no file
    count = 0
    try:
        with open(file.expanduser(), "x", encoding="utf-8", opener=_private) as output:
            for entry in chain(first, entries):
                output.write(_line(entry) + "\n")
                count += 1
    except FileExistsError:
        raise Refused(f"{file} exists", "exists", "name a new file") from None
    show.out(f"{count} entries written to {file}.")


def _private(path: str, flags: int) -> int:
    """Open a file that other users cannot read."""
    return os.open(path, flags, 0o600)


def _entries(config_file: Path | None, after: int) -> Iterator[dict[str, Any]]:
    """Yield the entries behind a number, page by page."""
    while page := admin.call(config_file, "GET", f"/api/admin/audit/entries/{after}")["entries"]:
        yield from page
        after = page[-1]["seq"]


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry)  # ASCII: control characters in a message cannot reach the terminal
