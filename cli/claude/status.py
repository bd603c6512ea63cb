"""`xswarm claude status`: shows sessions, once or continuously."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import settings, show
from cli.daemon import addresses, admin
from cli.daemon.client import Client, Frame, body, connected, find_session, talk
from cli.failures import Mistake, Refused, Unreachable
from cli.imports import imported
from cli.options import AsJson, ConfigFile
from supervisor.protocol.requests import ListSessions, Subscribe
from supervisor.protocol.status import SessionKind, SessionStatus

if TYPE_CHECKING:
    from rich.table import Table

    from supervisor.config import Config

COLUMNS = ("SESSION", "USER", "PROJECT", "STATUS", "COST", "MESSAGES", "AGE", "IDLE")

REDRAW_SECONDS = 1.0
"""Seconds between two drawings, so that ages grow while nothing else changes."""

RETRY_SECONDS = 2.0
"""Seconds between two attempts to reach a lost daemon."""


def status(
    session_id: Annotated[
        str | None, typer.Argument(metavar="SESSION_ID", help="One session: its id, or the end of it.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Include ended sessions.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Stay and show every change, until Ctrl-C.")] = False,
    as_json: AsJson = False,
    config_file: ConfigFile = None,
) -> None:
    """Show sessions: user, project, status, cost, messages, age, idle."""
    if watch and (as_json or session_id):
        raise Mistake("--watch shows the table of sessions", "leave out --json and SESSION_ID")
    config = settings.load(config_file)
    if watch:
        asyncio.run(_watch(config, all_))
    elif session_id is None:
        sessions = talk(config_file, lambda client: _list(client, all_))
        if as_json:
            show.document(sessions)
        elif sessions:
            show.out(_table(config, sessions))
        else:
            show.note("No sessions." if all_ else "No active sessions; --all shows those that ended.")
        if config.store.url and not as_json:
            for line in _without_node(config_file):
                show.note(line)
    else:
        named: str = session_id
        session = body(talk(config_file, lambda client: find_session(client, named)))
        if as_json:
            show.document(session)
        else:
            show.out(show.details(_pairs(config, session)))


def _without_node(config_file: Path | None) -> list[str]:
    """Return which projects no node has whose messages wait; of a daemon on another machine nothing is known."""
    with suppress(Unreachable, Refused):
        return show.without_node(admin.call(config_file, "GET", "/api/admin/nodes", needs_daemon=True))
    return []


async def _list(client: Client, everything: bool) -> list[Frame]:
    answer = await client.ask(ListSessions(active_only=not everything))
    sessions: list[Frame] = answer["sessions"]
    return sessions


def _table(config: Config, sessions: Sequence[Frame]) -> Table:
    costs = show.amounts([session["cost_usd"] for session in sessions])
    return show.table(
        COLUMNS,
        [
            (
                session["session_id"],
                session["user_id"],
                _place(config, session),
                session["status"],
                cost,
                str(session["message_count"]),
                show.since(session["started_at"]),
                show.since(session["last_activity"]) if SessionStatus(session["status"]).live else "ended",
            )
            for session, cost in zip(sessions, costs, strict=True)
        ],
        right=("COST", "MESSAGES", "AGE", "IDLE"),
    )


def _pairs(config: Config, session: Frame) -> list[tuple[str, str]]:
    path = session["project_path"]
    name = _place(config, session)
    chat = session.get("kind") == SessionKind.CHAT
    return [
        ("Session", session["session_id"]),
        ("User", session["user_id"]),
        ("Chat", session.get("title", "")) if chat else ("Project", path if name == path else f"{name} ({path})"),
        ("Status", session["status"]),
        ("Cost", show.money(session["cost_usd"])),
        ("Messages", str(session["message_count"])),
        ("Duration", show.age(session["duration_seconds"])),
        ("Started", show.moment(session["started_at"])),
        ("Last activity", f"{show.moment(session['last_activity'])} ({show.since(session['last_activity'])} ago)"),
        ("Ended", show.moment(session["ended_at"])),
    ]


def _place(config: Config, session: Frame) -> str:
    """Return where a session is: the name of its project, or that it is a chat."""
    if session.get("kind") == SessionKind.CHAT:
        return "(chat)"
    return show.project(config, session["project_path"])


async def _watch(config: Config, everything: bool) -> None:
    """Show the table until Ctrl-C; reconnect where the daemon restarts."""
    console = imported("rich.console").Console(markup=False, highlight=False, emoji=False)
    addresses.find(config)  # Only a lost daemon is waited for; one that does not run at the start is an error.
    if not console.is_terminal:
        return await _follow(config, everything, lambda sessions, _: show.out(_table(config, sessions)))
    with imported("rich.live").Live(console=console, screen=False, auto_refresh=False) as live:

        def draw(sessions: Sequence[Frame], trouble: str) -> None:
            table = _table(config, sessions)
            table.caption = trouble or None
            live.update(table, refresh=True)

        return await _follow(config, everything, draw, REDRAW_SECONDS)


async def _follow(
    config: Config,
    everything: bool,
    draw: Callable[[Sequence[Frame], str], None],
    redraw_seconds: float | None = None,
) -> None:
    """Draw the sessions at every change, and every `redraw_seconds` in between; None = only at changes."""
    sessions: list[Frame] = []
    while True:
        try:
            async with connected(addresses.find(config)) as client:
                await client.ask(Subscribe(topics=["sessions"]))
                changes = client.pushed()
                change = asyncio.ensure_future(anext(changes, None))
                try:
                    while True:
                        sessions = await _list(client, everything)
                        draw(sessions, "")
                        while not (await asyncio.wait([change], timeout=redraw_seconds))[0]:
                            draw(sessions, "")
                        if change.result() is None:
                            break
                        change = asyncio.ensure_future(anext(changes, None))
                finally:
                    change.cancel()
                    await asyncio.wait([change])
            trouble = "it closed the connection"
        except Unreachable as unreachable:
            trouble = unreachable.why
        draw(sessions, f"The daemon went away ({trouble}); trying again ...")
        if not sys.stdout.isatty():
            show.note(f"The daemon went away ({trouble}); trying again ...")
        await asyncio.sleep(RETRY_SECONDS)
