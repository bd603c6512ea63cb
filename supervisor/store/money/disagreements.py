"""Adds everything up again from the ledger and the turns, and compares it with the sums that are kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from supervisor.protocol.text.amounts import counted
from supervisor.protocol.times import DAY_MS
from supervisor.store.engine import Reader
from supervisor.store.money.cost import COUNTED, FIRST_OF_MODEL, day_name

_CHARGES = f"""
    SELECT l.user_id, coalesce(s.id, ''), l.channel, l.at_ms / {DAY_MS} AS day,
           sum(l.nanos), 0, sum(l.input), sum(l.output)
    FROM ledger AS l LEFT JOIN claude_code_sessions AS s ON s.number = l.session
    GROUP BY l.user_id, l.session, s.id, l.channel, day
"""
_PROMPTS = f"""
    SELECT l.user_id, coalesce(s.id, ''), l.channel, l.accepted_ms / {DAY_MS} AS day, 0, count(*), 0, 0
    FROM turns AS l LEFT JOIN claude_code_sessions AS s ON s.number = l.session
    WHERE {COUNTED}
    GROUP BY l.user_id, l.session, s.id, l.channel, day
"""
_MODELS = f"""
    SELECT l.model, l.at_ms / {DAY_MS} AS day,
           sum(l.nanos), count(*) FILTER (WHERE {FIRST_OF_MODEL}), sum(l.input), sum(l.output)
    FROM ledger AS l GROUP BY l.model, day
"""
_TOTALS = "SELECT scope, key, NULL, nanos, messages, input_tokens, output_tokens FROM totals"
_DAILY_TOTALS = "SELECT scope, key, day, nanos, messages, input_tokens, output_tokens FROM daily_totals"
_SESSIONS = """
    SELECT s.id, s.cost_nanos, s.message_count,
           coalesce(charged.nanos, 0),
           coalesce((SELECT sum(cost_nanos) FROM claude_code_messages WHERE session_id = s.id), 0),
           (SELECT count(*) FROM turns WHERE session = s.number AND kind = 'prompt')
    FROM claude_code_sessions AS s
    LEFT JOIN (SELECT session AS number, sum(nanos) AS nanos FROM ledger GROUP BY session) AS charged USING (number)
"""
_TURNS = """
    SELECT message_id, charged, shown FROM (
        SELECT i.message_id,
           (SELECT coalesce(sum(nanos), 0) FROM ledger WHERE turn_id = t.id) AS charged,
           (SELECT coalesce(sum(cost_nanos), 0) FROM claude_code_messages
            WHERE seq IN (2 * t.id, 2 * t.id + 1)) AS shown
        FROM turns AS t JOIN inbox AS i ON i.turn_id = t.id WHERE t.session IS NOT NULL
    ) AS compared WHERE charged <> shown
"""

_Sums = tuple[int, int, int, int]
_Key = tuple[str, str, int | None]


def disagreements(connection: Reader) -> list[str]:
    """Return a sentence per difference; reads everything."""
    return [*_totals(connection), *_sessions(connection), *_turns(connection)]


def _totals(connection: Reader) -> Iterator[str]:
    expected: defaultdict[_Key, list[int]] = defaultdict(lambda: [0, 0, 0, 0])

    def add(scope: str, key: str, day: int, amounts: tuple[int, ...]) -> None:
        for when in (None, day):
            sums = expected[scope, key, when]
            for index, amount in enumerate(amounts):
                sums[index] += amount

    for query in (_CHARGES, _PROMPTS):
        for user_id, session_id, channel, day, *amounts in connection.execute(query):
            for scope, key in (("system", ""), ("user", user_id), ("session", session_id), ("channel", channel)):
                add(scope, key, day, tuple(amounts))
    for model, day, *amounts in connection.execute(_MODELS):
        add("model", model, day, tuple(amounts))

    kept: dict[_Key, list[int]] = {}
    for query in (_TOTALS, _DAILY_TOTALS):
        for scope, key, day, *amounts in connection.execute(query):
            kept[scope, key, day] = amounts
    for place in sorted(expected.keys() | kept.keys(), key=str):
        added_up, stored = expected.get(place, [0, 0, 0, 0]), kept.get(place, [0, 0, 0, 0])
        if added_up != stored:
            scope, key, day = place
            where = f"{scope} {key!r}" + ("" if day is None else f" on {day_name(day)}")
            yield (
                f"totals of {where}: (nanodollars, messages, input tokens, output tokens) are kept as {stored}, "
                f"but add up to {added_up}"
            )


def _sessions(connection: Reader) -> Iterator[str]:
    for session_id, cost, count, charged, shown, prompts in connection.execute(_SESSIONS):
        if not cost == charged == shown:
            yield (
                f"session {session_id}: its record says {cost} nanodollars, its messages {shown}, the ledger {charged}"
            )
        if count != prompts:
            yield f"session {session_id}: its record says {counted(count, 'message')}, but there are {prompts}"


def _turns(connection: Reader) -> Iterator[str]:
    for message_id, charged, shown in connection.execute(_TURNS):
        yield f"message {message_id}: it shows {shown} nanodollars, the ledger {charged}"
