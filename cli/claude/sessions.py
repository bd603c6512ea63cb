"""`xswarm claude start` and `stop`: the life of a session."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import settings, show
from cli.daemon.client import Client, Frame, body, find_session, talk
from cli.options import AsJson, ConfigFile, SessionId
from supervisor.protocol.errors import ProjectNotAllowed
from supervisor.protocol.ids import uuid7
from supervisor.protocol.requests import ClaudeCodeConnect, ClaudeCodeDisconnect

if TYPE_CHECKING:
    from supervisor.config import Config


def start(
    user: Annotated[str, typer.Option(help="The user who owns the session.")],
    project: Annotated[str, typer.Option(help="A project of config.toml, or its path.")],
    session_id: Annotated[
        str | None,
        typer.Option("--id", help="An id of your own for the session, or the id of an ended session to resume."),
    ] = None,
    as_json: AsJson = False,
    config_file: ConfigFile = None,
) -> None:
    """Start a session and print its id."""
    request = ClaudeCodeConnect(
        session_id=session_id or uuid7(),
        user_id=user,
        project_path=_project_path(settings.load(config_file), project),
    )
    answer = body(talk(config_file, lambda client: client.ask(request, timeout=None)))
    if as_json:
        show.document(answer)
        return
    show.out(answer["session_id"])
    verb = "resumed" if answer["resumed"] else "ready"
    show.note(f"The session is {verb}; `xswarm claude connect {answer['session_id']}` talks to it.")


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


def _project_path(config: Config, project: str) -> str:
    """Return the path of a project, given its name or its path.

    Raises:
        ProjectNotAllowed: config.toml has no project of this name, and no folder has this path.
    """
    if (known := config.projects.get(project)) is not None:
        return known.path
    path = Path(project).expanduser()
    if os.sep in project or path.is_dir():
        return os.path.abspath(path)
    refused = ProjectNotAllowed(project)
    names = ", ".join(sorted(config.projects))
    refused.remedy = f"name one of these: {names}" if names else "add a [projects.NAME] table to config.toml"
    raise refused
