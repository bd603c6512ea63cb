"""`xswarm claude`: one session's life, from the command line."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli import show
from cli.claude.approvals import approvals, approve, deny
from cli.claude.changes import changes, undo
from cli.claude.connect import connect
from cli.claude.cost import cost
from cli.claude.queue import queue
from cli.claude.status import status
from cli.daemon.client import Client, Frame, body, find_session, talk
from cli.failures import ExitCode, Mistake
from cli.options import AsJson, ConfigFile, SessionId, example
from supervisor import config
from supervisor.config import Config
from supervisor.protocol.errors import ProjectNotAllowed
from supervisor.protocol.ids import uuid7
from supervisor.protocol.queue import Mode
from supervisor.protocol.requests import (
    ClaudeCodeConnect,
    ClaudeCodeDisconnect,
    ClaudeCodeInterrupt,
    ClaudeCodeMessage,
    GetHistory,
)
from supervisor.protocol.status import Direction

ID = "0198b2c4-5d6e-7f80-91a2-b3c4d5e6f708"
"""A session id for the examples."""

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    epilog=example("xswarm claude status --all", f"xswarm claude connect {ID}"),
)
app.command(epilog=example("xswarm claude status --all", "xswarm claude status --watch"))(status)
app.command(epilog=example("xswarm claude cost --by day --since 2026-01-01", "xswarm claude cost alice --json"))(cost)
app.command(epilog=example(f"xswarm claude connect {ID}", "xswarm claude connect e6f708 < prompts.txt"))(connect)
app.command(epilog=example("xswarm claude queue", f"xswarm claude queue --cancel {ID}"))(queue)
app.command(epilog=example("xswarm claude approvals", "xswarm claude approvals --json"))(approvals)
app.command(epilog=example("xswarm claude approve KXQPT", "xswarm claude approve KXQPT --minutes 30"))(approve)
app.command(epilog=example("xswarm claude deny KXQPT"))(deny)
app.command(epilog=example(f"xswarm claude changes {ID}", "xswarm claude changes e6f708 --json"))(changes)
app.command(epilog=example(f"xswarm claude undo {ID} --dry-run", f"xswarm claude undo {ID}"))(undo)


@app.callback()
def claude() -> None:
    """Claude Code sessions: start, talk, watch, stop, and what they cost."""


@app.command(epilog=example("xswarm claude start --user alice --project website"))
def start(
    user: Annotated[str, typer.Option(help="The user whose session it is.")],
    project: Annotated[str, typer.Option(help="A project of config.toml, or its path.")],
    session_id: Annotated[
        str | None, typer.Option("--id", help="A name of your own for the session, or an ended one to resume.")
    ] = None,
    as_json: AsJson = False,
    config_file: ConfigFile = None,
) -> None:
    """Start a session and print its id."""
    request = ClaudeCodeConnect(
        session_id=session_id or uuid7(),
        user_id=user,
        project_path=_project_path(config.load(config.find(config_file)), project),
    )
    answer = body(talk(config_file, lambda client: client.ask(request, timeout=None)))
    if as_json:
        show.document(answer)
        return
    show.out(answer["session_id"])
    verb = "resumed" if answer["resumed"] else "ready"
    show.note(f"The session is {verb}; `xswarm claude connect {answer['session_id']}` talks to it.")


@app.command(epilog=example(f'xswarm claude send {ID} "run the tests"', "git diff | xswarm claude send e6f708 -"))
def send(
    session_id: SessionId,
    text: Annotated[str, typer.Argument(help="The prompt; - reads it from stdin.")],
    mode: Annotated[Mode | None, typer.Option(help="How it enters the line while a turn runs.")] = None,
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
        show.note(f"\nNot waiting any longer; the turn goes on. `xswarm claude interrupt {session_id}` stops it.")
        raise typer.Exit(ExitCode.STOPPED) from None
    if as_json:
        show.document(answer)
        return
    show.out(answer["content"])
    show.note(f"[{show.money(answer['cost_usd'])}, {answer['duration_ms'] / 1000:.1f} s]")


@app.command(epilog=example(f"xswarm claude interrupt {ID}"))
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
        show.out("Interrupted." + (" What was written until then is in the history." if answer["partial"] else ""))


@app.command(epilog=example(f"xswarm claude stop {ID}"))
def stop(session_id: SessionId, as_json: AsJson = False, config_file: ConfigFile = None) -> None:
    """End a session; `connect` resumes its conversation."""

    async def end(client: Client) -> Frame:
        session = await find_session(client, session_id)
        return await client.ask(ClaudeCodeDisconnect(session_id=session["session_id"]), timeout=None)

    answer = body(talk(config_file, end))
    if as_json:
        show.document(answer)
    else:
        show.out(f"Ended: {answer['reason']}.")


@app.command(epilog=example(f"xswarm claude history {ID} --limit 10"))
def history(
    session_id: SessionId,
    limit: Annotated[int, typer.Option(min=1, max=500, help="The newest so many messages.")] = 50,
    before: Annotated[str | None, typer.Option(metavar="MESSAGE_ID", help="Only messages older than this one.")] = None,
    as_json: AsJson = False,
    config_file: ConfigFile = None,
) -> None:
    """Show what was said in a session, oldest first."""

    async def fetch(client: Client) -> Frame:
        session = await find_session(client, session_id)
        return await client.ask(GetHistory(session_id=session["session_id"], limit=limit, before=before))

    answer = body(talk(config_file, fetch))
    if as_json:
        show.document(answer)
        return
    for message in answer["messages"]:
        speaker = (message.get("user_id") or "You") if message["direction"] == Direction.TO_CLAUDE else "Claude Code"
        price = f", {show.money(message['cost_usd'])}" if message["cost_usd"] else ""
        show.out(f"{speaker}, {show.moment(message['timestamp'])}{price}, {message['status']}, {message['id']}")
        show.out(message["message"].rstrip("\n") + "\n")
    if not answer["messages"]:
        show.note("Nothing was said yet.")


def _project_path(settings: Config, project: str) -> str:
    """Return the path of a project by its name or its path.

    Raises:
        ProjectNotAllowed: config.toml knows no such name, and it is no folder.
    """
    if (known := settings.projects.get(project)) is not None:
        return known.path
    path = Path(project).expanduser()
    if os.sep in project or path.is_dir():
        return os.path.abspath(path)
    refused = ProjectNotAllowed(project)
    names = ", ".join(sorted(settings.projects))
    refused.remedy = f"name one of these: {names}" if names else "add a [projects.NAME] table to config.toml"
    raise refused
