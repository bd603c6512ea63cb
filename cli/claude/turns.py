"""`xswarm claude send` and `interrupt`: one turn of a session."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from cli import show
from cli.daemon.client import Client, Frame, body, find_session, talk
from cli.failures import ExitCode, Mistake
from cli.options import AsJson, ConfigFile, SessionId
from supervisor.protocol.ids import uuid7
from supervisor.protocol.queue import Mode
from supervisor.protocol.requests import ClaudeCodeInterrupt, ClaudeCodeMessage


def send(
    session_id: SessionId,
    text: Annotated[str, typer.Argument(help="The prompt; - reads it from stdin.")],
    mode: Annotated[Mode | None, typer.Option(help="How the prompt enters the queue while a turn runs.")] = None,
    as_json: AsJson = False,
    config_file: ConfigFile = None,
) -> None:
    """Send a prompt, wait for the answer and print it."""
    prompt = sys.stdin.read() if text == "-" else text
    if not prompt.strip():
        raise Mistake("The prompt is empty")

    async def exchange(client: Client) -> Frame:
        session = await find_session(client, session_id)
        request = ClaudeCodeMessage(session_id=session["session_id"], message=prompt, external_id=uuid7(), mode=mode)
        return await client.ask(request, timeout=None)

    try:
        answer = body(talk(config_file, exchange))
    except KeyboardInterrupt:
        show.note(f"\nNo longer waiting; the turn goes on. `xswarm claude interrupt {session_id}` stops it.")
        raise typer.Exit(ExitCode.STOPPED) from None
    if as_json:
        show.document(answer)
        return
    show.out(answer["content"])
    cost = "cost unknown" if answer["cost_usd"] is None else show.money(answer["cost_usd"])
    show.note(f"[{cost}, {answer['duration_ms'] / 1000:.1f} s]")


def interrupt(session_id: SessionId, as_json: AsJson = False, config_file: ConfigFile = None) -> None:
    """Stop the running turn; the session stays."""

    async def stop_turn(client: Client) -> Frame:
        session = await find_session(client, session_id)
        return await client.ask(ClaudeCodeInterrupt(session_id=session["session_id"]))

    answer = body(talk(config_file, stop_turn))
    if as_json:
        show.document(answer)
    elif answer["message_id"] is None:
        show.out("Nothing was running.")
    else:
        show.out("Interrupted." + (" The text until then is in the history." if answer["partial"] else ""))
