"""Cost queries: answered from the totals where possible, else from the ledger by an index."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

from supervisor.protocol.times import DAY_MS
from supervisor.store.engine import Reader
from supervisor.store.ports.ledger import CostLine, CostQuery

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896
"""Of the years 1 to 9999."""

_SUMS = ", ".join(f"coalesce(sum({name}), 0)" for name in ("nanos", "messages", "input_tokens", "output_tokens"))
TOTAL = f"SELECT {_SUMS} FROM totals WHERE scope = ? AND key = ?"
TOTAL_OF_DAYS = f"SELECT {_SUMS} FROM daily_totals WHERE scope = ? AND key = ? AND day >= ? AND day < ?"
DAYS = """
    SELECT day, nanos, messages, input_tokens, output_tokens FROM daily_totals
    WHERE scope = ? AND key = ? AND day >= ? AND day < ? ORDER BY day DESC LIMIT ?
"""
KEYS = """
    SELECT key, nanos, messages, input_tokens, output_tokens FROM totals
    WHERE scope = ? ORDER BY nanos DESC, key LIMIT ?
"""
KEYS_OF_DAYS = f"""
    SELECT key, {_SUMS} FROM daily_totals
    WHERE scope = ? AND day >= ? AND day < ? GROUP BY key ORDER BY sum(nanos) DESC, key LIMIT ?
"""

_KEY_OF_CHARGE = {
    None: "''",
    "user": "l.user_id",
    "session": "coalesce((SELECT id FROM claude_code_sessions WHERE number = l.session), '')",
    "channel": "l.channel",
    "model": "l.model",
    "project": "coalesce((SELECT project FROM turns WHERE id = l.turn_id), '')",
    "day": f"l.at_ms / {DAY_MS}",
}
_KEY_OF_TURN = {
    None: "''",
    "user": "l.user_id",
    "session": "coalesce((SELECT id FROM claude_code_sessions WHERE number = l.session), '')",
    "channel": "l.channel",
    "project": "l.project",
    "day": f"l.accepted_ms / {DAY_MS}",
}
_OF_ALL = "l.user_id IN (SELECT key FROM totals WHERE scope = 'user')"
"""Whoever has a total: so the index of users and times leads to the rows of a range."""
_OF_SESSION = "session = (SELECT number FROM claude_code_sessions WHERE id = :session_id)"
COUNTED = "l.kind = 'prompt' AND l.target IN ('claude_code', 'assistant')"
"""Whether a turn counts as a message: a prompt for Claude Code or the assistant."""
FIRST_OF_MODEL = """
    l.turn_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM ledger AS earlier
        WHERE earlier.turn_id = l.turn_id AND earlier.model = l.model AND earlier.id < l.id)
"""
"""Whether a charge is the first of its turn and model; there the turn is counted."""


def cost(connection: Reader, query: CostQuery) -> tuple[CostLine, list[CostLine]]:
    """Return the total and the rows: days by date (the newest, if there are too many), others by cost."""
    days = (
        _FIRST_DAY if query.since_day is None else query.since_day,
        _LAST_DAY if query.until_day is None else query.until_day,
    )
    scope = _scope(query)
    if scope is None:
        (total,) = _from_ledger(connection, query, None, days) or [("", 0, 0, 0, 0)]
    elif query.since_day is None and query.until_day is None:
        total = ("", *connection.execute(TOTAL, scope).fetchone())
    else:
        total = ("", *connection.execute(TOTAL_OF_DAYS, (*scope, *days)).fetchone())
    return _line(total), [_line(row) for row in _rows(connection, query, scope, total, days)]


def is_kept_total(query: CostQuery) -> bool:
    """Return whether a query asks for one total that is kept: an index leads to its few rows."""
    return query.group_by is None and _scope(query) is not None


def day_name(day: int) -> str:
    """Return a day as `YYYY-MM-DD`."""
    return date.fromordinal(_EPOCH_DAY + day).isoformat()


def _scope(query: CostQuery) -> tuple[str, str] | None:
    """Return (scope, key) of the totals that hold the query's total; None where only the ledger does."""
    match query.user_id, query.session_id:
        case None, None:
            return "system", ""
        case user_id, None:
            return "user", str(user_id)
        case None, session_id:
            return "session", str(session_id)
        case _:
            return None


def _rows(
    connection: Reader,
    query: CostQuery,
    scope: tuple[str, str] | None,
    total: tuple[Any, ...],
    days: tuple[int, int],
) -> list[tuple[Any, ...]]:
    group_by = query.group_by
    if group_by is None:
        return []
    if group_by == "day" and scope is not None:
        rows = connection.execute(DAYS, (*scope, *days, query.limit)).fetchall()
        return [(day_name(row[0]), *row[1:]) for row in reversed(rows)]
    if scope is not None and group_by == scope[0]:
        return [(scope[1], *total[1:])] if any(total[1:]) else []
    if scope is not None and scope[0] == "system" and group_by != "project":  # projects have no totals
        if query.since_day is None and query.until_day is None:
            return connection.execute(KEYS, (group_by, query.limit)).fetchall()
        return connection.execute(KEYS_OF_DAYS, (group_by, *days, query.limit)).fetchall()
    rows = _from_ledger(connection, query, group_by, days)
    if group_by == "day":
        rows.sort(key=lambda row: row[0])
        return [(day_name(row[0]), *row[1:]) for row in rows[-query.limit :]]
    rows.sort(key=lambda row: (-row[1], row[0]))
    return rows[: query.limit]


def _from_ledger(
    connection: Reader, query: CostQuery, group_by: str | None, days: tuple[int, int]
) -> list[tuple[Any, ...]]:
    """Add up the rows of a user or session, or of all."""
    charges, prompts = ledger_queries(query, group_by)
    values = {
        "user_id": query.user_id,
        "session_id": query.session_id,
        "since_ms": days[0] * DAY_MS,
        "until_ms": days[1] * DAY_MS,
    }
    sums: defaultdict[Any, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for key, nanos, tokens_in, tokens_out, turns in connection.execute(charges, values):
        sums[key][:] = nanos, turns, tokens_in, tokens_out
    if prompts is not None:
        for key, messages in connection.execute(prompts, values):
            sums[key][1] = messages
    return [(key, *amounts) for key, amounts in sums.items()]


def ledger_queries(query: CostQuery, group_by: str | None) -> tuple[str, str | None]:
    """Return the query for the charges, and that for the prompts (None where the charges' turns count)."""
    of_charge, of_turn = [], []
    if query.session_id is not None:
        of_charge.append(f"l.turn_id IN (SELECT id FROM turns WHERE {_OF_SESSION})")
        of_turn.append(f"l.{_OF_SESSION}")
    if query.user_id is not None:
        # The || keeps the index of users out of it: the rows of a session are fewer.
        of_user = "l.user_id = :user_id" if query.session_id is None else "l.user_id || '' = :user_id"
        of_charge.append(of_user)
        of_turn.append(of_user)
    if not of_charge:
        of_charge.append(_OF_ALL)
        of_turn.append(_OF_ALL)
    turns = f"count(*) FILTER (WHERE {FIRST_OF_MODEL})" if group_by == "model" else "0"
    charges = f"""
        SELECT {_KEY_OF_CHARGE[group_by]}, sum(nanos), sum(input), sum(output), {turns}
        FROM ledger AS l WHERE {" AND ".join(of_charge)} AND l.at_ms >= :since_ms AND l.at_ms < :until_ms GROUP BY 1
    """
    if group_by == "model":
        return charges, None
    return (
        charges,
        f"""
        SELECT {_KEY_OF_TURN[group_by]}, count(*) FROM turns AS l
        WHERE {" AND ".join(of_turn)} AND l.accepted_ms >= :since_ms AND l.accepted_ms < :until_ms
          AND {COUNTED} GROUP BY 1
    """,
    )


def _line(row: tuple[Any, ...]) -> CostLine:
    key, nanos, messages, tokens_in, tokens_out = row
    return CostLine(key=key, cost_nanos=nanos, message_count=messages, input_tokens=tokens_in, output_tokens=tokens_out)
