"""`xswarm claude cost`: shows costs by user, session, day, channel, model or project."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

import typer

from cli import show
from cli.daemon.client import body, talk
from cli.failures import Mistake
from cli.options import AsJson, ConfigFile
from supervisor.protocol.requests import GetCost


class By(StrEnum):
    """What each row sums up."""

    USER = "user"
    SESSION = "session"
    DAY = "day"
    CHANNEL = "channel"
    MODEL = "model"
    PROJECT = "project"


def cost(
    user_id: Annotated[str | None, typer.Argument(metavar="USER_ID", help="Only the costs of this user.")] = None,
    by: Annotated[
        By | None, typer.Option(help="One row for each of these; without it by user, or by day for one user.")
    ] = None,
    since: Annotated[str | None, typer.Option(metavar="DATE", help="From this UTC day on (YYYY-MM-DD).")] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="Up to, but without, this UTC day (YYYY-MM-DD).")
    ] = None,
    as_json: AsJson = False,
    config_file: ConfigFile = None,
) -> None:
    """Show costs in US dollars."""
    group = by or (By.USER if user_id is None else By.DAY)
    request = GetCost(
        user_id=user_id,
        since=_day("--since", since),
        until=_day("--until", until),
        group_by=group.value,
    )
    answer = body(talk(config_file, lambda client: client.ask(request)))
    if as_json:
        show.document(answer)
        return
    *costs, total = show.amounts([*(row["cost_usd"] for row in answer["rows"]), answer["total_usd"]])
    rows = [
        (
            row["key"],
            cost,
            f"{row['message_count']:,}",
            f"{row['input_tokens']:,}",
            f"{row['output_tokens']:,}",
        )
        for row, cost in zip(answer["rows"], costs, strict=True)
    ]
    if rows:
        columns = (group.value.upper(), "COST", "MESSAGES", "TOKENS IN", "TOKENS OUT")
        show.out(show.table(columns, rows, right=columns[1:]))
        show.out("")
    show.out(f"Total: {total}")
    for budget in answer.get("budgets", ()):
        show.out(_budget(budget))


def _budget(budget: Mapping[str, Any]) -> str:
    """Return one line: how much of a limit is spent."""
    spent = " of ".join(show.amounts([budget["spent_usd"], budget["limit_usd"]]))
    match budget["scope"]:
        case "session":
            return f"Session {budget['id']}: {spent}"
        case "user":
            return f"Today: {spent} ({budget['id']})"
        case _:
            return f"Today: {spent} (everybody)"


def _day(option: str, value: str | None) -> str | None:
    """Return a date unchanged after checking it.

    Raises:
        Mistake: it is not a date of the form YYYY-MM-DD.
    """
    if value is None:
        return None
    try:
        if date.fromisoformat(value).isoformat() == value:
            return value
    except ValueError:
        pass
    raise Mistake(f"{option} must be a day like 2026-01-31, not {value!r}")
