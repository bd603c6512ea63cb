"""`xswarm token`: credentials of services and users, each shown once."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli import show
from cli.daemon import admin
from cli.failures import Mistake
from cli.options import AsJson, ConfigFile, example

app = typer.Typer(
    add_completion=False, no_args_is_help=True, epilog=example("xswarm token create --service webhooks --expires 90")
)


@app.callback()
def token() -> None:
    """Credentials: tokens for services and users, and JWTs for the admin chat."""


@app.command(epilog=example("xswarm token create --user alice", "xswarm token create --service webhooks --expires 90"))
def create(
    user: Annotated[str | None, typer.Option(metavar="ID", help="A token that acts for this user only.")] = None,
    service: Annotated[str | None, typer.Option(metavar="NAME", help="A token that acts for every user.")] = None,
    expires: Annotated[
        int | None,
        typer.Option(metavar="DAYS", min=1, help="Days until it expires; without it, it is valid until revoked."),
    ] = None,
    as_json: AsJson = False,
    config_file: ConfigFile = None,
) -> None:
    """Create a token and print it; it cannot be shown again."""
    if (user is None) == (service is None):
        raise Mistake("Name one of --user and --service")
    body: dict[str, Any] = {"user_id": user} if user is not None else {"service": service}
    if expires is not None:
        body["expires_days"] = expires
    made = admin.call(config_file, "POST", "/api/admin/tokens", body)
    if as_json:
        show.document(made)
    else:
        show.out(made["token"])
        show.note(f"Keep it: it is shown only now. `xswarm token revoke {made['id']}` ends it.")


@app.command("list", epilog=example("xswarm token list --json"))
def list_(as_json: AsJson = False, config_file: ConfigFile = None) -> None:
    """List the tokens, without their secrets."""
    tokens = admin.call(config_file, "GET", "/api/admin/tokens")["tokens"]
    if as_json:
        show.document(tokens)
    elif tokens:
        show.out(
            show.table(
                ("ID", "NAME", "SPEAKS FOR", "CREATED", "EXPIRES", "REVOKED"),
                [
                    (
                        str(one["id"]),
                        one["name"],
                        one["user_id"] or "every user",
                        show.moment(one["created_at"]),
                        show.moment(one["expires_at"]),
                        show.moment(one["revoked_at"]),
                    )
                    for one in tokens
                ],
            )
        )
    else:
        show.note("No tokens; `xswarm token create` makes one.")


@app.command(epilog=example("xswarm token revoke 3"))
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="The token's id, from `xswarm token list`.")],
    config_file: ConfigFile = None,
) -> None:
    """Revoke a token; it stops working at once."""
    admin.call(config_file, "DELETE", admin.item("tokens", token_id))
    show.out(f"Token {token_id} is revoked.")


@app.command(epilog=example("xswarm token jwt --user alice --minutes 15"))
def jwt(
    user: Annotated[str, typer.Option(metavar="ID", help="The user for whom it acts.")],
    minutes: Annotated[int, typer.Option(min=1, help="Minutes until it expires.")] = 60,
    as_json: AsJson = False,
    config_file: ConfigFile = None,
) -> None:
    """Create a JWT and print it; it cannot be shown again."""
    made = admin.call(config_file, "POST", "/api/admin/jwt", {"user_id": user, "minutes": minutes})
    if as_json:
        show.document(made)
    else:
        show.out(made["token"])
        show.note(f"It expires at {show.moment(made['expires_at'])}.")
