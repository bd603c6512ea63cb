"""`xswarm db`: backs up and checks the database, with or without a running daemon; moves it to PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import settings, show
from cli.daemon import admin
from cli.failures import ExitCode, Refused
from cli.imports import imported
from cli.options import AsJson, ConfigFile, example
from supervisor.protocol.text.amounts import counted

app = typer.Typer(add_completion=False, no_args_is_help=True, epilog=example("xswarm db backup /var/backups/xswarm.db"))


@app.callback()
def db() -> None:
    """The database: back it up, check it, move it to PostgreSQL."""


@app.command(epilog=example("xswarm db backup /var/backups/xswarm.db"))
def backup(
    file: Annotated[Path, typer.Argument(help="A new file for the copy.")],
    config_file: ConfigFile = None,
) -> None:
    """Copy the database while it is in use; the copy is consistent."""
    path = file.expanduser().absolute()
    if path.exists():
        raise Refused(f"{path} exists", "exists", "name a new file")
    if not path.parent.is_dir():
        raise Refused(f"{path.parent} is not a folder", "no_folder", "create it first")
    admin.call(config_file, "POST", "/api/admin/backup", {"path": str(path)})
    show.out(f"Copied to {path}.")


@app.command(epilog=example("xswarm db check"))
def check(as_json: AsJson = False, config_file: ConfigFile = None) -> None:
    """Check the database from end to end; exit code 1 where something is wrong."""
    answer = admin.call(config_file, "POST", "/api/admin/check")
    problems = answer["problems"]
    if as_json:
        show.document(answer)
    else:
        show.out("\n".join(problems) or _sound(answer))
    if problems:
        raise typer.Exit(ExitCode.FAILED)


def _sound(answer: Mapping[str, Any]) -> str:
    if "version" not in answer:
        rest = answer.get("unchecked")
        return f"The sums of the database agree; {rest}." if rest else "The database is sound."
    return (
        f"The database is sound, and has version {answer['version']}. Once `xswarm serve` has migrated it, this command"
        " compares its sums too."
    )


@app.command(epilog=example("xswarm db copy"))
def copy(as_json: AsJson = False, config_file: ConfigFile = None) -> None:
    """Move the database from SQLite to PostgreSQL, to the empty database of store.url, while no daemon runs.

    Every row is compared afterwards. The file is renamed and stays; an interrupted copy can be begun anew.
    """
    local = imported("cli.daemon.local")  # by name, as in admin.py
    answer = local.copy(settings.load(config_file))
    if as_json:
        show.document(answer)
        return
    rows, tables = counted(answer["rows"], "row"), counted(answer["tables"], "table")
    show.out(f"Copied {rows} of {tables}; each row, the sums and the audit trail are the same in both databases.")
    for problem in answer["problems"]:
        show.out(f"Both have this problem: {problem}")
    show.out(f"The old database is now {answer['file']}. Start the daemon: it uses PostgreSQL.")
