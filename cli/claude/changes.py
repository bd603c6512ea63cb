"""`xswarm claude changes` and `undo`: shows the files that a turn changed, and undoes the changes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer

from cli import show
from cli.daemon import admin
from cli.daemon.client import find_session, talk
from cli.options import AsJson, ConfigFile, SessionId

Message = Annotated[
    str | None,
    typer.Argument(
        metavar="[MESSAGE_ID]", help="The prompt of the turn; without it, the last turn that changed files."
    ),
]


def changes(
    session_id: SessionId, message_id: Message = None, as_json: AsJson = False, config_file: ConfigFile = None
) -> None:
    """Show what a turn changed, as a diff."""
    query = f"?{urlencode({'message_id': message_id})}" if message_id is not None else ""
    answer = admin.call(config_file, "GET", f"{_session(config_file, session_id)}/changes{query}", needs_daemon=True)
    if as_json:
        show.document(answer)
        return
    for operation in answer["files"]:
        show.out(f"{operation['status']:9} {_on_one_line(operation['path'])}  ({operation['tool']})")
    if answer["diff"]:
        show.out("\n" + answer["diff"].rstrip("\n"))
    if answer["undone"]:
        show.note("This was taken back; undo it again to bring it back.")
    elif answer["why"]:
        show.note(f"This cannot be taken back: {answer['why']}.")
    else:
        show.note(f"`xswarm claude undo {session_id} {answer['message_id']}` takes this back.")


def undo(
    session_id: SessionId,
    message_id: Message = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be undone.")] = False,
    as_json: AsJson = False,
    config_file: ConfigFile = None,
) -> None:
    """Undo the changes of a turn, or redo them where they are undone; later changes by hand are kept."""
    body: dict[str, Any] = {"message_id": message_id, "dry_run": dry_run}
    answer = admin.call(config_file, "POST", f"{_session(config_file, session_id)}/undo", body, needs_daemon=True)
    if as_json:
        show.document(answer)
        return
    if not answer["paths"]:
        show.out("Nothing is left of it to take back.")
        return
    back = answer["undone"] is not dry_run
    verb = "Would " + ("take back" if back else "bring back") if dry_run else "Taken back" if back else "Brought back"
    show.out(f"{verb}:\n" + "\n".join(f"  {_on_one_line(path)}" for path in answer["paths"]))


def _on_one_line(path: str) -> str:
    """Return a path without line feeds, so that it cannot look like two paths."""
    return path.replace("\n", "?")


def _session(config_file: Path | None, given: str) -> str:
    """Return the URL path of a session, given its id or the end of it."""
    found = talk(config_file, lambda client: find_session(client, given))
    return f"/api/claude-code/sessions/{quote(found['session_id'], safe='')}"
