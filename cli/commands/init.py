"""`xswarm init`: asks questions, then writes config.toml."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import show
from cli.commands import trial
from cli.failures import ExitCode, Mistake, Refused
from cli.options import ConfigFile, example
from cli.starter import starter
from supervisor import config
from supervisor.config import NAME, Config
from supervisor.protocol.status import Permissions

app = typer.Typer(add_completion=False)

Given = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=FOLDER", help="A project and its folder, with permissions ask; may be repeated."),
]


@app.command(
    epilog=example(
        "xswarm init",
        "xswarm init --try",
        "xswarm init --defaults --project website=/srv/website --config /etc/xswarm/config.toml",
    )
)
def init(
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Ask nothing; write a short file with comments and examples.")
    ] = False,
    project: Given = None,
    only_try: Annotated[
        bool, typer.Option("--try", help="Write nothing: try out the channels of the file that is there.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    config_file: ConfigFile = None,
) -> None:
    """Ask a few questions, then write config.toml (here, or where --config says), and try the channels out.

    A channel whose secret is in the environment is tried at once: Twilio's webhook is set, a text and a mail are sent
    to you, and the command waits until they have arrived.
    """
    path = config_file or Path("config.toml")
    if only_try:
        raise typer.Exit(trial.run(path, config.load(path)))
    if path.exists() and not force:
        raise Refused(f"{path} exists", "exists", "name another file with --config, or overwrite it with --force")
    given = dict(map(_given_project, project or ()))
    table = {} if defaults else _ask(given)
    if defaults and given:
        table = _with_projects(given)
    # Checked before it is written, so that the daemon accepts the file.
    settings = config.check(config.parse(Config, table, ""))
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, starter(table, examples=defaults))
    show.out(f"Wrote {path}.")
    code = ExitCode.DONE if defaults else trial.run(path, settings)
    show.note(_next_steps(path, settings))
    raise typer.Exit(code)


def _given_project(text: str) -> tuple[str, dict[str, Any]]:
    """Return name and table of a project of the command line.

    Raises:
        Mistake: it is not NAME=FOLDER, or the folder does not exist.
    """
    name, separator, folder = text.partition("=")
    path = Path(os.path.abspath(Path(folder).expanduser()))
    if not separator or not folder or not NAME.fullmatch(name):
        raise Mistake(f"--project must be NAME=FOLDER, not {text!r}", "for example --project website=/srv/website")
    if not path.is_dir():
        raise Mistake(f"--project {name}: {path} is not a folder", f"mkdir -p {path}")
    return name, {"path": str(path), "permissions": Permissions.ASK.value}


def _with_projects(projects: dict[str, Any]) -> dict[str, Any]:
    """Return the tables of config.toml for some projects, the first of which is the default."""
    return {"projects": projects, "routing": {"default_project": next(iter(projects))}}


def _ask(given: dict[str, Any]) -> dict[str, Any]:
    """Ask, and return the tables of config.toml that follow from the answers.

    Args:
        given: projects that need no question.
    """
    tables: dict[str, Any] = {}
    projects = dict(given)
    show.note("Projects are the folders that Claude Code may work in. An empty name ends the list.")
    while name := _ask_name():
        projects[name] = _ask_project()
    if projects:
        tables = _with_projects(projects)
    channels: dict[str, Any] = {}
    if typer.confirm("Text messages by Twilio?", default=False):
        channels["sms"] = {
            "account_sid": typer.prompt("  Account SID (AC...)"),
            "from_number": typer.prompt("  Our number (+15551234567)"),
        }
        url = typer.prompt("  Public URL of this daemon, as Twilio reaches it (https://...)")
        tables["http"] = {"port": Config().http.port, "public_url": url}
    if typer.confirm("Mail?", default=False):
        channels["mail"] = _ask_mail()
    if channels:
        tables["channels"] = channels
    return tables


def _ask_name() -> str:
    while True:
        name: str = typer.prompt("Project name", default="", show_default=False).strip()
        if not name or NAME.fullmatch(name):
            return name
        show.note("  letters, digits, dot, dash and underscore, please")


def _ask_project() -> dict[str, Any]:
    folder = _ask_folder()
    choices = "/".join(Permissions)
    permissions = ""
    while permissions not in list(Permissions):
        permissions = typer.prompt(f"  What may it do without asking ({choices})", default=Permissions.ASK.value)
    users = typer.prompt("  Who may use it (user ids, with commas between)", default="", show_default=False)
    return {
        "path": folder,
        "permissions": permissions,
        "users": [user.strip() for user in users.split(",") if user.strip()],
    }


def _ask_folder() -> str:
    """Ask for an existing folder and return its absolute path; config.toml would resolve a relative one differently."""
    while True:
        folder = Path(os.path.abspath(Path(typer.prompt("  Folder", default=".")).expanduser()))
        if folder.is_dir():
            return str(folder)
        show.note(f"  {folder} is not a folder")


def _ask_mail() -> dict[str, Any]:
    return {
        "address": typer.prompt("  Our mail address"),
        "trusted_authserv_id": typer.prompt("  Name that our mail server writes into Authentication-Results"),
        "smtp": {
            "host": typer.prompt("  Outgoing server (SMTP)"),
            "port": typer.prompt("  Its port", default=587, type=int),
            "username": typer.prompt("  User name there", default="", show_default=False),
        },
    }


def _write(path: Path, text: str) -> None:
    """Write the whole file or nothing: the daemon would not start with half a file."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _next_steps(path: Path, settings: Config) -> str:
    option = "" if path == Path("config.toml") else f" --config {path}"
    project = f" --project {next(iter(settings.projects))}" if settings.projects else ""
    secrets = [trial.SECRETS[name] for name in settings.channels]
    steps = [f"export {name}=..." for name in ("ANTHROPIC_API_KEY", *secrets)]
    steps += [
        f"xswarm serve{option}    (without a key: xswarm serve --offline{option})",
        f"xswarm user add ID --role admin --phone +15551234567{project}{option}",
    ]
    return "Next:\n" + "\n".join(f"  {step}" for step in steps)
