"""`xswarm claude queue`: lists queued messages and replies that do not leave, and removes a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer

from cli import show
from cli.daemon import admin
from cli.daemon.client import find_session, talk
from cli.options import AsJson, ConfigFile

SHOWN_CHARACTERS = 60

_REPLY_STATES = {"dead": "given up", "undelivered": "not delivered"}


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
    """List the queued messages and the replies that do not leave, or remove a message."""
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
        return
    replies = admin.call(config_file, "GET", "/api/replies", needs_daemon=True)["replies"] if not query else []
    if waiting:
        show.out(show.table(("MESSAGE", "PLACE", "USER", "PROJECT", "SINCE", "TEXT"), _message_rows(waiting)))
    if replies:
        show.out(show.table(("REPLY", "USER", "CHANNEL", "STATE", "TRIES", "SINCE", "REASON"), _reply_rows(replies)))
    if not waiting and not replies:
        show.note("Nothing waits.")


def _message_rows(waiting: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    return [
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


def _reply_rows(replies: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    return [
        (
            one["reply_id"],
            one["user_id"] or "",
            one["channel"],
            _REPLY_STATES.get(one["state"], "late"),
            str(one["attempts"]),
            show.moment(one["created_at"]),
            " ".join(one["reason"].split()),
        )
        for one in replies
    ]
