"""`xswarm audit`: verifies and exports the audit trail, with or without a running daemon."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from cli import show
from cli.daemon import admin
from cli.failures import ExitCode, Refused
from cli.options import AsJson, ConfigFile, example
from supervisor.protocol.text.amounts import counted

COLUMNS = ("seq", "at", "epoch", "actor", "event", "mac", "detail")
"""The columns of an export as CSV."""

ANCHOR = re.compile(r"(\d{4}-\d\d-\d\dT\S+Z) (\d{1,18}) ([0-9a-f]{64})\b")
"""A noted hash: time, number of the entry, its seal."""


class Form(StrEnum):
    """The form of an export."""

    JSONL = "jsonl"
    CSV = "csv"


app = typer.Typer(add_completion=False, no_args_is_help=True, epilog=example("xswarm audit verify"))


@app.callback()
def audit() -> None:
    """The audit trail: who did what, in a hash chain that reveals changed entries."""


@app.command(epilog=example("xswarm audit verify", "xswarm audit verify --anchors /mnt/other/xswarm-audit.txt"))
def verify(
    anchors: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Compare the hashes in this file too, as [audit] notes them each day."),
    ] = None,
    as_json: AsJson = False,
    config_file: ConfigFile = None,
) -> None:
    """Verify the whole chain; exit code 1 where an entry was changed or removed.

    Entries removed from the end of the chain are noticed by the hashes that [audit] notes each day: --anchors.
    """
    noted = _anchors(anchors) if anchors is not None else []
    answer = admin.call(config_file, "GET", "/api/admin/audit/verify")
    for anchor in () if answer["problem"] else noted:
        answer["problem"] = answer["problem"] or _problem_of(anchor, answer, config_file)
    if anchors is not None:
        answer["anchors"] = len(noted)
    if as_json:
        show.document(answer)
    else:
        compared = f", and {counted(len(noted), 'noted hash agrees|noted hashes agree')}" if noted else ""
        show.out(answer["problem"] or f"The audit trail is intact: {answer['entries']} entries{compared}.")
    if answer["problem"]:
        raise typer.Exit(ExitCode.FAILED)


@app.command(
    epilog=example(
        "xswarm audit export",
        "xswarm audit export /var/backups/audit.jsonl",
        "xswarm audit export --as csv --since 2026-11-01 --event approval approvals.csv",
    )
)
def export(
    file: Annotated[Path | None, typer.Argument(help="A new file; without it, stdout.")] = None,
    after: Annotated[int, typer.Option(min=0, help="Only entries behind this number.")] = 0,
    since: Annotated[str | None, typer.Option(metavar="DATE", help="From this UTC day on (YYYY-MM-DD).")] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="Up to, but without, this UTC day (YYYY-MM-DD).")
    ] = None,
    actor: Annotated[str, typer.Option(help="Only what this user did, or 'operator', or 'supervisor'.")] = "",
    event: Annotated[str, typer.Option(help="Only these events; 'turn' means 'turn.completed' too.")] = "",
    form: Annotated[Form, typer.Option("--as", help="The form of the lines.")] = Form.JSONL,
    config_file: ConfigFile = None,
) -> None:
    """Write the audit trail, oldest entry first: one JSON object on each line, or a table of CSV."""
    wanted = {"since": since, "until": until, "actor": actor, "event": event}
    entries = _entries(config_file, after, {name: text for name, text in wanted.items() if text})
    first = list(islice(entries, 1))  # before the file is made: a refused request leaves no file
    lines = _lines(chain(first, entries), form)
    if file is None:
        for line in lines:
            typer.echo(line)
        return
    count = 0
    try:
        with open(file.expanduser(), "x", encoding="utf-8", opener=_private) as output:
            for count, line in enumerate(lines, 1 - (form is Form.CSV)):  # noqa: B007 - it is used below
                output.write(line + "\n")
    except FileExistsError:
        raise Refused(f"{file} exists", "exists", "name a new file") from None
    show.out(f"{count} entries written to {file}.")


def _private(path: str, flags: int) -> int:
    """Open a file that other users cannot read."""
    return os.open(path, flags, 0o600)


def _entries(config_file: Path | None, after: int, wanted: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the entries behind a number, page by page."""
    query = f"?{urlencode(wanted)}" if wanted else ""
    while page := admin.call(config_file, "GET", f"/api/admin/audit/entries/{after}{query}")["entries"]:
        yield from page
        after = page[-1]["seq"]


def _lines(entries: Iterable[dict[str, Any]], form: Form) -> Iterator[str]:
    """Yield the lines of an export. Control characters in a message cannot reach the terminal: all is ASCII."""
    if form is Form.JSONL:
        for entry in entries:
            yield json.dumps(entry)
        return
    yield _csv(COLUMNS)
    for entry in entries:
        yield _csv([str(entry[name]) for name in COLUMNS[:-1]] + [json.dumps(entry["detail"])])


def _csv(cells: Sequence[str]) -> str:
    """Return a line of CSV (RFC 4180). A spreadsheet takes a cell that begins with one of `= + - @` for a formula."""
    line = io.StringIO()
    safe = ["'" + cell if cell[:1] in "=+-@" and cell else cell for cell in cells]
    csv.writer(line, lineterminator="").writerow(cell.encode("ascii", "backslashreplace").decode() for cell in safe)
    return line.getvalue()


@dataclass(frozen=True, slots=True)
class _Anchor:
    """A hash of the trail as it was noted: the time as text, the number of the entry, its seal in hex."""

    at: str
    seq: int
    mac: str


def _anchors(file: Path) -> list[_Anchor]:
    """Return the noted hashes of a file.

    Raises:
        Refused: the file cannot be read, or has no such line.
    """
    try:
        text = file.expanduser().read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise Refused(f"{file}: {error.strerror}", "unreadable", "name the file of audit.anchor_file") from None
    found = [_Anchor(at, int(seq), mac) for at, seq, mac in ANCHOR.findall(text)]
    if not found:
        raise Refused(f"{file} holds no hash of an audit trail", "unreadable", "name the file of audit.anchor_file")
    return found


def _problem_of(anchor: _Anchor, trail: Mapping[str, Any], config_file: Path | None) -> str | None:
    """Return what is wrong with the entry of a noted hash; None = it is as it was, or was cut off as too old."""
    if anchor.seq < trail["first"]:
        return None
    page = admin.call(config_file, "GET", f"/api/admin/audit/entries/{anchor.seq - 1}?limit=1")["entries"]
    if not page or page[0]["seq"] != anchor.seq:
        return f"audit row {anchor.seq} is missing, which was there on {anchor.at}: the end of the trail was cut off"
    if page[0]["mac"] != anchor.mac:
        return f"audit row {anchor.seq} is not the one that was there on {anchor.at}"
    return None
