"""`xswarm claude queue`: lists queued messages, and removes one."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, urlencode

import typer

from cli import show
from cli.daemon import admin
from cli.daemon.client import find_session, talk
from cli.options import AsJson, ConfigFile

SHOWN_CHARACTERS = 60


def queue(
    session_id: Annotated[
        str | None, typer.Argument(metavar="[SESSION_ID]", help="Only messages of this session.")
    ] = None,
    cancel: Annotated[
        str | None, typer.Option(metavar="MESSAGE_ID", help="Remove this message; its sender is notified.")
    ] = None,
    as_json: AsJson = False,
    config_file: ConfigFile = None,
) -> None:
    """List the queued messages, or remove one."""
    if cancel is not None:
        admin.call(config_file, "DELETE", f"/api/messages/{quote(cancel, safe='')}", needs_daemon=True)
        show.out(f"{cancel} was removed from the queue.")
        return
    query = ""
    if session_id is not None:
        found = talk(config_file, lambda client: find_session(client, session_id))
        query = f"?{urlencode({'session_id': found['session_id']})}"
    waiting = admin.call(config_file, "GET", f"/api/queue{query}", needs_daemon=True)["queue"]
    if as_json:
        show.document(waiting)
    elif waiting:
        rows = [
            (
                one["message_id"],
                str(one["place"]),
                one["user_id"],
                one["project"] or "assistant",
                show.moment(one["accepted_at"]),
                " ".join(one["message"].split())[:SHOWN_CHARACTERS],
            )
            for one in waiting
        ]
        show.out(show.table(("MESSAGE", "PLACE", "USER", "PROJECT", "SINCE", "TEXT"), rows))
    else:
        show.note("Nothing waits.")
