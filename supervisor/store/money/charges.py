"""Posting charges: ledger, totals, and the cost of message and session, always in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from supervisor.protocol.conversation import Tokens
from supervisor.store.records.charge import Charge
from supervisor.store.rows import CHARGE_COLUMNS, from_charge, to_tokens
from supervisor.store.transaction import Owner, Transaction

_EARLIER = """
    SELECT model, nanos, unpriced, input, output, cache_read, cache_write_5m, cache_write_1h
    FROM ledger WHERE turn_id = ?
"""
_DELEGATED = """
    SELECT model, nanos, unpriced, input, output, cache_read, cache_write_5m, cache_write_1h
    FROM ledger WHERE turn_id IN (SELECT turn_id FROM delegations WHERE given_by = ?)
"""
_POST = f"""
    INSERT INTO ledger ({CHARGE_COLUMNS}, unpriced, turn_id, session, user_id, channel, at_ms, epoch)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (ref) DO NOTHING
"""
_HAS_ANSWER = "SELECT EXISTS (SELECT 1 FROM claude_code_messages WHERE seq = 2 * ? + 1)"
_ADD_TO_MESSAGE = "UPDATE claude_code_messages SET cost_nanos = coalesce(cost_nanos, 0) + ? WHERE seq = ?"
_ADD_TO_SESSION = "UPDATE claude_code_sessions SET cost_nanos = cost_nanos + ?, updated_ms = ? WHERE number = ?"
_OWNER = """
    SELECT t.user_id, t.session, coalesce(s.id, ''), t.channel
    FROM turns AS t LEFT JOIN claude_code_sessions AS s ON s.number = t.session
    WHERE t.id = ?
"""


@dataclass(frozen=True, slots=True)
class Posted:
    """Charges of the ledger, added up.

    Attributes:
        nanos: nanodollars; an unpriced charge adds 0.
        unpriced: one of the charges has no price.
        models: the models that they were for.
    """

    count: int = 0
    nanos: int = 0
    tokens: Tokens = field(default_factory=Tokens)
    unpriced: bool = False
    models: frozenset[str] = frozenset()

    def __add__(self, other: Posted) -> Posted:
        return Posted(
            self.count + other.count,
            self.nanos + other.nanos,
            self.tokens + other.tokens,
            self.unpriced or other.unpriced,
            self.models | other.models,
        )


NOTHING = Posted()
"""The sum of no charges."""


def owner_of(tx: Transaction, turn_id: int | None, user_id: str | None, channel: str) -> Owner:
    """Return the keys under which the charges of a turn count; without a turn, the user and channel given."""
    row = None if turn_id is None else tx.one(_OWNER, (turn_id,))
    if row is None:
        return Owner(None, user_id or "", None, "", channel)
    return Owner(turn_id, *row)


def earlier_charges(tx: Transaction, owner: Owner) -> Posted:
    """Return the charges that were posted for the owner's turn so far."""
    return _sum(tx, _EARLIER, owner.turn_id) if owner.turn_id is not None else NOTHING


def delegated_charges(tx: Transaction, turn_id: int) -> Posted:
    """Return the charges that were posted for the tasks that a turn gave Claude Code."""
    return _sum(tx, _DELEGATED, turn_id)


def _sum(tx: Transaction, sql: str, turn_id: int) -> Posted:
    spent = NOTHING
    for model, nanos, unpriced, *tokens in tx.execute(sql, (turn_id,)):
        spent += Posted(1, nanos, to_tokens(tuple(tokens)), bool(unpriced), frozenset({model}))
    return spent


def post(tx: Transaction, owner: Owner, charges: Iterable[Charge], now_ms: int, earlier: Posted) -> Posted:
    """Append charges to the ledger and add them to the totals; a ref that was posted before is skipped.

    The caller adds the sum to message and session, as `add_to_conversation` does.

    Args:
        earlier: the charges of the turn that were posted before.

    Returns:
        The sum of the new charges.
    """
    posted = NOTHING
    where = (owner.turn_id, owner.session, owner.user_id, owner.channel, now_ms, tx.epoch)
    for charge in charges:
        nanos, unpriced = charge.nanos or 0, charge.nanos is None
        *values, _, estimated = from_charge(charge)
        if not tx.changed(_POST, (*values, nanos, estimated, unpriced, *where)):
            continue
        model = charge.model
        first = owner.turn_id is not None and model not in earlier.models and model not in posted.models
        tx.count_charge(owner, model, nanos, charge.tokens, first=first, now_ms=now_ms)
        new = Posted(1, nanos, charge.tokens, unpriced, frozenset({model}))
        posted = posted + new if posted.count else new
    return posted


def add_to_conversation(tx: Transaction, owner: Owner, nanos: int, now_ms: int) -> None:
    """Add a late charge to the row of the answer, or of the prompt if there is none, and to the session."""
    if owner.session is None or owner.turn_id is None or nanos == 0:
        return
    answered = tx.one(_HAS_ANSWER, (owner.turn_id,)) == (1,)
    tx.execute(_ADD_TO_MESSAGE, (nanos, 2 * owner.turn_id + answered))
    tx.execute(_ADD_TO_SESSION, (nanos, now_ms, owner.session))


def post_late(tx: Transaction, owner: Owner, charges: Iterable[Charge], now_ms: int) -> int:
    """Post charges that do not come with T3; return how many were new."""
    posted = post(tx, owner, charges, now_ms, earlier_charges(tx, owner))
    add_to_conversation(tx, owner, posted.nanos, now_ms)
    return posted.count
