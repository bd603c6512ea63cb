"""What people are told of limits: that one is nearly used up, and what they can do when one is used up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from supervisor.delivery.hub import Hub
from supervisor.people.identity import Directory
from supervisor.protocol.codes import CodeKind
from supervisor.protocol.errors import BudgetExceeded
from supervisor.protocol.events import OMIT, CostAlert
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import PLAIN_CHANNELS, Address, OutboxId, Reply, UserId
from supervisor.protocol.status import Role
from supervisor.protocol.text.template import as_sentences, listed
from supervisor.protocol.times import DAY_MS, Clock, nanos, now_ms, usd
from supervisor.sentences import spending as say
from supervisor.spending.limits import LEVELS, Scope, offer
from supervisor.spending.naming import limit_name
from supervisor.store.ports.budgets import Reached, Spent, reference
from supervisor.store.records.accounts import User
from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.records.outcome import IssuedCode, Outcome
from supervisor.store.records.turn import Turn

CODED_LEVEL = 80
"""From this percentage on, administrators get a code with which they can raise the limit."""

SESSION_CODE_MS = 30 * DAY_MS
"""How long a code for a session's limit is valid. A code for a limit of a day is valid until the end of that day."""

MOST_NAMED = 3
"""The most administrators whose names a message gives."""


class BudgetNotices:
    """Writes the texts about limits, and publishes events about them.

    Args:
        clock: milliseconds UTC.
    """

    def __init__(self, *, directory: Directory, hub: Hub, clock: Clock = now_ms) -> None:
        self._directory = directory
        self._hub = hub
        self._clock = clock

    def reached(self, spent: Spent, configured: int, turn: Turn, refused: BudgetExceeded | None) -> Reached | None:
        """Return the levels of a limit that are reached, and the messages about them; None = no level is reached.

        Args:
            configured: the limit in nanodollars, without what was added with ADD.
            refused: why the turn was refused. If this limit was the reason, the people who may raise it are told so.
        """
        limit = configured + spent.raised
        levels = [level for level in LEVELS if (spent.nanos + spent.used) * 100 >= level * limit]
        if refused is not None and _stands(refused, spent, limit):
            levels = list(LEVELS)
        else:
            refused = None
        if not levels:
            return None
        addresses = {user.id: user.addresses for user in self._directory.users()}
        admins = frozenset(user.id for user in self._admins())
        own = own_reply(turn)

        def drafts(user_id: UserId, code: str) -> Sequence[OutboxDraft]:
            is_author = user_id == turn.user_id
            reply = own if is_author and own is not None else _first(addresses.get(user_id, ()))
            if reply is None or (is_author and own is not None and refused is not None):
                return ()  # the answer of the refused turn says it
            text = _told(spent, levels[-1], limit, turn, refused, user_id)
            if code:
                text += f" {_add(configured, code)}"
            elif levels[-1] >= CODED_LEVEL and user_id not in admins:
                text += f" {say.ASK_FOR_MORE(whom=self._names())}"
            return (OutboxDraft(id=OutboxId(uuid7()), reply=reply, text=text),)

        return Reached(
            spent=spent,
            limit=limit,
            levels=levels,
            recipients=self._recipients(spent.scope, turn),
            drafts=drafts,
            coded=admins if levels[-1] >= CODED_LEVEL else frozenset(),
            until_ms=self._until_ms(spent.day),
        )

    def _recipients(self, scope: str, turn: Turn) -> list[UserId]:
        """Return who gets a text or mail: the user of the turn if the limit applies to them, and the overseers."""
        if scope == Scope.MESSAGE:
            return []  # the answer of the refused turn says it; levels below 100 percent of one message interest nobody
        overseers = [user.id for user in self._directory.users() if user.role.oversees]
        return list(dict.fromkeys(overseers if scope == Scope.SYSTEM else [turn.user_id, *overseers]))

    def announce(self, one: Reached, turn: Turn) -> None:
        """Publish that a limit is nearly or wholly spent.

        Args:
            turn: which has reached it. Subscribers of its session also receive the alerts of its user.
        """
        spent = one.spent
        event = CostAlert(
            scope=spent.scope,
            id=spent.key,
            spent_usd=usd(spent.nanos + spent.used),
            limit_usd=usd(one.limit),
            level="exceeded" if one.levels[-1] >= LEVELS[-1] else "warning",
        )
        topics = ["costs"]
        if spent.scope in (Scope.MESSAGE, Scope.USER):
            topics.append(f"user:{turn.user_id}")
        if spent.scope != Scope.SYSTEM and turn.session_id is not None:
            topics.append(f"session:{turn.session_id}")
        if spent.scope == Scope.MESSAGE:
            session_id = turn.session_id if turn.session_id is not None else OMIT
            event = replace(event, id=turn.message_id, user_id=turn.user_id, session_id=session_id)
        self._hub.publish(event, topics)

    def with_advice(self, turn: Turn, outcome: Outcome, error: BudgetExceeded, configured: int | None) -> Outcome:
        """Return the outcome of a refused turn whose replies say what to do, with a code for administrators.

        Args:
            configured: the limit in nanodollars, without what was added; None = only config.toml can raise it.
        """
        may = any(user.id == turn.user_id for user in self._admins())
        day = 0 if error.scope == Scope.SESSION else outcome.now_ms // DAY_MS
        ended = say.SESSION_ENDED() if error.scope == Scope.SESSION else ""
        if configured is None or not may:
            advice = as_sentences(self._whom_to_ask(error.scope, may=may), ended)
            return replace(outcome, replies=[_with(draft, error, advice) for draft in outcome.replies])
        if not outcome.replies:
            return outcome
        refused, limit = outcome.replies, configured

        def notices(code: str) -> Sequence[OutboxDraft]:
            goes_on = say.SESSION_GOES_ON() if error.scope == Scope.SESSION else ""
            return [_with(draft, error, as_sentences(_add(limit, code), goes_on)) for draft in refused]

        key = {Scope.SESSION: str(turn.session_id), Scope.USER: turn.user_id}.get(Scope(error.scope), "")
        asking = IssuedCode(
            kind=CodeKind.BUDGET,
            ref=reference(error.scope, day, key),
            until_ms=self._until_ms(day),
            notices=notices,
            footed=True,
        )
        return replace(outcome, replies=(), asking=asking)

    def _whom_to_ask(self, scope: str, *, may: bool) -> str:
        if scope == Scope.MESSAGE:
            if may:
                return say.SEND_SMALLER_OR_RAISE()
            return say.SEND_SMALLER_OR_ASK(whom=self._names())
        return as_sentences(say.ASK_TO_RAISE(whom=self._names()), say.STARTS_AGAIN() if scope != Scope.SESSION else "")

    def _names(self) -> str:
        names = [user.name or user.id for user in self._admins()][:MOST_NAMED]
        return say.ADMINISTRATORS(who=listed(names, "or")) if names else say.OPERATOR()

    def _admins(self) -> list[User]:
        return [user for user in self._directory.users() if user.role is Role.ADMIN]

    def _until_ms(self, day: int) -> int:
        return (day + 1) * DAY_MS if day else self._clock() + SESSION_CODE_MS


def own_reply(turn: Turn) -> Reply | None:
    """Return where the user of a turn gets its answer by text or mail; None = they get it elsewhere."""
    return turn.reply if turn.reply is not None and turn.reply.channel in PLAIN_CHANNELS else None


def _stands(refused: BudgetExceeded, spent: Spent, limit: int) -> bool:
    """Return whether a refusal is by this limit, as it still is: not raised since, and of the same day."""
    return (refused.scope, refused.day) == (spent.scope, spent.day) and refused.limit_usd >= usd(limit)


def _told(spent: Spent, level: int, limit: int, turn: Turn, refused: BudgetExceeded | None, reader: UserId) -> str:
    name = limit_name(spent.scope, spent.key, reader, project=turn.project)
    if refused is None:
        told = say.LEVEL_REACHED(percent=level, limit_name=name, spent=spent.nanos + spent.used, limit=limit)
        return told if reader == turn.user_id else f"{told} {_last(turn)}"
    so_far, most = nanos(refused.spent_usd), nanos(refused.limit_usd)
    return say.WAS_REFUSED(who=turn.user_id, spent=so_far, limit=most, limit_name=name)


def _last(turn: Turn) -> str:
    """Return whose message has reached a limit; what it says is for its sender alone."""
    if turn.project:
        return say.LAST_IN(who=turn.user_id, project=turn.project)
    return say.LAST(who=turn.user_id)


def _add(configured: int, code: str) -> str:
    return say.REPLY_ADD(dollars=offer(configured), code=code)


def _with(draft: OutboxDraft, error: BudgetExceeded, advice: str) -> OutboxDraft:
    """Insert advice after the sentence that says why: a long text is cut at its end."""
    sentence = as_sentences(str(error))
    if draft.text is None or not draft.text.startswith(sentence):
        return draft
    return replace(draft, text=f"{sentence} {advice}{draft.text[len(sentence) :]}")


def _first(addresses: Sequence[Address]) -> Reply | None:
    return Reply(channel=addresses[0].kind, to=addresses[0], meta={"subject": say.SUBJECT()}) if addresses else None
