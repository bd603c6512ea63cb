"""`xswarm user`: people, their addresses and their rights."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated, Any

import typer

from cli import show
from cli.daemon import admin
from cli.failures import Refused
from cli.options import AsJson, ConfigFile, example

app = typer.Typer(
    add_completion=False, no_args_is_help=True, epilog=example("xswarm user add alice --role admin --phone +15550100")
)

UserId = Annotated[str, typer.Argument(metavar="ID", help="The user's id.")]


class RoleName(StrEnum):
    """Roles, by the names that a person types."""

    ADMIN = "ADMIN"
    COORDINATOR = "COORDINATOR"
    OPERATOR = "OPERATOR"


@app.callback()
def user() -> None:
    """People: who they are, how they are reached, what they may do."""


@app.command(
    epilog=example("xswarm user add alice --role admin --phone +15550100 --email alice@example.com --project website")
)
def add(
    user_id: UserId,
    role: Annotated[
        RoleName,
        typer.Option(
            case_sensitive=False,
            help="ADMIN; COORDINATOR: chat and Claude Code; OPERATOR: reads all sessions and costs, no prompts.",
        ),
    ],
    name: Annotated[str | None, typer.Option(help="Their name; without it, their id.")] = None,
    phone: Annotated[list[str] | None, typer.Option(metavar="+E164", help="A phone number; may be repeated.")] = None,
    email: Annotated[list[str] | None, typer.Option(help="A mail address; may be repeated.")] = None,
    project: Annotated[list[str] | None, typer.Option(help="A project of config.toml; may be repeated.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace all data of an existing user.")] = False,
    as_json: AsJson = False,
    config_file: ConfigFile = None,
) -> None:
    """Add a user."""
    if not replace and _exists(user_id, config_file):
        raise Refused(f"User exists: {user_id}", "user_exists", "add --replace to replace all data of the user")
    body = {
        "name": name or user_id,
        "role": role.value,
        "phones": phone or [],
        "emails": email or [],
        "projects": project or [],
    }
    added = admin.call(config_file, "PUT", admin.item("users", user_id), body)
    if as_json:
        show.document(added)
    else:
        show.out(f"{added['id']} is {added['role']}.")


@app.command("list", epilog=example("xswarm user list --json"))
def list_(as_json: AsJson = False, config_file: ConfigFile = None) -> None:
    """List all users."""
    users = admin.call(config_file, "GET", "/api/admin/users")["users"]
    if as_json:
        show.document(users)
    elif users:
        columns = ("USER", "NAME", "ROLE", "PHONES", "EMAILS", "PROJECTS")
        # In a window each value has a row of its own; for a program a user is one line.
        separator = "\n" if sys.stdout.isatty() else ", "
        show.out(
            show.table(
                columns,
                [
                    (
                        one["id"],
                        one["name"],
                        one["role"],
                        separator.join(_addresses(one, "sms")),
                        separator.join(_addresses(one, "mail")),
                        separator.join(project["name"] for project in one["projects"]),
                    )
                    for one in users
                ],
            )
        )
    else:
        show.note("No users; `xswarm user add` adds one.")


@app.command("show", epilog=example("xswarm user show alice"))
def show_(user_id: UserId, as_json: AsJson = False, config_file: ConfigFile = None) -> None:
    """Show a user, and the source of each of their projects."""
    one = admin.call(config_file, "GET", admin.item("users", user_id))
    if as_json:
        show.document(one)
        return
    pairs = [("User", one["id"]), ("Name", one["name"]), ("Role", one["role"])]
    pairs += [(address["kind"].capitalize(), address["value"]) for address in one["addresses"]]
    pairs += [("Project", f"{project['name']} (from {_ORIGINS[project['origin']]})") for project in one["projects"]]
    show.out(show.details(pairs))


@app.command(epilog=example("xswarm user remove alice"))
def remove(user_id: UserId, config_file: ConfigFile = None) -> None:
    """Remove a user with their rights, addresses and tokens; their messages and costs stay."""
    admin.call(config_file, "DELETE", admin.item("users", user_id))
    show.out(f"{user_id} is removed.")


@app.command(epilog=example("xswarm user passphrase alice", "xswarm user passphrase alice --remove"))
def passphrase(
    user_id: UserId,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the passphrase.")] = False,
    config_file: ConfigFile = None,
) -> None:
    """Set the passphrase that a user adds to YES CODE, where a text message or mail alone is not enough."""
    path = f"{admin.item('users', user_id)}/passphrase"
    if remove:
        admin.call(config_file, "DELETE", path)
        show.out(f"{user_id} has no passphrase.")
        return
    if sys.stdin.isatty():
        text = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True)
    else:
        text = sys.stdin.readline().rstrip("\n")
    admin.call(config_file, "PUT", path, {"passphrase": text})
    show.out(f"{user_id} has a passphrase.")


@app.command(epilog=example("xswarm user link alice"))
def link(user_id: UserId, as_json: AsJson = False, config_file: ConfigFile = None) -> None:
    """Print a link with which a user signs in with a browser, once, within 10 minutes."""
    made = admin.call(config_file, "POST", f"{admin.item('users', user_id)}/link", needs_daemon=True)
    if as_json:
        show.document(made)
    else:
        show.out(made["link"])
        show.note(f"It works once, until {show.moment(made['expires_at'])}. Who has it is {user_id}: keep it secret.")


_ORIGINS = {"config": "config.toml", "database": "`xswarm user add`"}


def _addresses(one: dict[str, Any], kind: str) -> list[str]:
    return [address["value"] for address in one["addresses"] if address["kind"] == kind]


def _exists(user_id: str, config_file: Any) -> bool:
    try:
        admin.call(config_file, "GET", admin.item("users", user_id))
    except Refused as refused:
        if refused.code == "user_not_found":
            return False
        raise
    return True
