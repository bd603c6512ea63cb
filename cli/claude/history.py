"""`xswarm claude history`: the messages of a session."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import show
from cli.daemon.client import Client, Frame, body, find_session, talk
from cli.options import AsJson, ConfigFile, SessionId
from supervisor.protocol.requests import GetHistory
from supervisor.protocol.status import Direction


def history(
    session_id: SessionId,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many messages, the newest ones.")] = 50,
    before: Annotated[str | None, typer.Option(metavar="MESSAGE_ID", help="Only messages older than this one.")] = None,
    as_json: AsJson = False,
    config_file: ConfigFile = None,
) -> None:
    """Show the messages of a session, oldest first."""

    async def fetch(client: Client) -> Frame:
        session = await find_session(client, session_id)
        answer = page = await client.ask(GetHistory(session_id=session["session_id"], limit=limit, before=before))
        while page.get("truncated") and (missing := limit - len(answer["messages"])) > 0:  # pages have a size limit
            first = answer["messages"][0]["id"]
            page = await client.ask(GetHistory(session_id=session["session_id"], limit=missing, before=first))
            answer["messages"] = [*page["messages"], *answer["messages"]]
        answer.pop("truncated", None)
        return answer

    answer = body(talk(config_file, fetch))
    if as_json:
        show.document(answer)
        return
    for message in answer["messages"]:
        speaker = (message.get("user_id") or "You") if message["direction"] == Direction.TO_CLAUDE else "Claude Code"
        price = f", {show.money(message['cost_usd'])}" if message["cost_usd"] else ""
        show.out(f"{speaker}, {show.moment(message['timestamp'])}{price}, {message['status']}, {message['id']}")
        show.out(message["message"].rstrip("\n") + "\n")
        if message.get("truncated"):
            show.note(f"The message is cut: it has {message['characters']} characters.")
    if not answer["messages"]:
        show.note("Nothing was said yet.")
