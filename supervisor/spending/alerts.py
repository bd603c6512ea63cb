"""Alerts: each level of a limit is told once, while the turn runs that reaches it, or else at its end."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from supervisor.config import BudgetConfig
from supervisor.protocol.codes import CodeKind
from supervisor.protocol.errors import BudgetExceeded, StorageError
from supervisor.protocol.times import Clock, now_ms
from supervisor.spending.limits import LEVELS, configured
from supervisor.spending.notices import BudgetNotices, own_reply
from supervisor.store.ports.budgets import BudgetStore, Reached, reference
from supervisor.store.ports.keys import CodeStore
from supervisor.store.ports.outbox import OutboxStore
from supervisor.store.records.turn import Turn

logger = logging.getLogger(__name__)


class Alerts:
    """Finds the levels that a turn has reached, records them and tells people.

    Args:
        limits: `[budgets]`.
        clock: milliseconds UTC.
    """

    def __init__(
        self,
        *,
        budgets: BudgetStore,
        codes: CodeStore,
        outbox: OutboxStore,
        limits: BudgetConfig,
        notices: BudgetNotices,
        clock: Clock = now_ms,
    ) -> None:
        self._budgets = budgets
        self._codes = codes
        self._outbox = outbox
        self._limits = limits
        self._notices = notices
        self._clock = clock
        self._withheld: dict[int, set[str]] = {}  # scopes whose alert waits for the end of a turn, by turn

    async def running(self, turn: Turn) -> None:
        """Tell people of the highest level that spending has reached while a turn runs.

        If a limit is used up, the user of the turn gets no text or mail yet. In most cases the next call of the turn is
        refused, and its answer says so. Otherwise `ended` tells the user.
        """
        try:
            reached = await self._fresh(turn, None)
            withheld = {one.spent.scope for one in reached if _waits_for_the_end(one, turn)}
            told = await self._tell([_without_author(one, turn, withheld) for one in reached], turn)
            if kept := {one.spent.scope for one in told} & withheld:
                self._withheld.setdefault(turn.id, set()).update(kept)
        except StorageError as error:
            _not_recorded(turn, error)

    async def ended(self, turn: Turn, refused: BudgetExceeded | None) -> None:
        """Tell people of the highest level that spending has reached with a turn.

        Args:
            refused: why the turn, or a call of it, was refused. The people who may raise that limit are told so.
        """
        withheld = self._withheld.pop(turn.id, set())
        if refused is not None:
            withheld.discard(refused.scope)
        try:
            if withheld:
                for one in await self._reached(turn, None):
                    if one.spent.scope in withheld and one.levels[-1] >= LEVELS[-1]:  # it was not raised meanwhile
                        await self._write(one, turn)
            await self._tell(await self._fresh(turn, refused), turn)
        except StorageError as error:
            _not_recorded(turn, error)

    async def _fresh(self, turn: Turn, refused: BudgetExceeded | None) -> list[Reached]:
        """Return the levels that nobody was told of. In most cases there are none, and nothing is written."""
        return [one for one in await self._reached(turn, refused) if one.levels[-1] > one.spent.told]

    async def _reached(self, turn: Turn, refused: BudgetExceeded | None) -> list[Reached]:
        """Return the limits of a turn that have reached a level, told before or not."""
        now = self._clock()
        standing, _ = await self._budgets.standing(turn.id, turn.user_id, turn.session_id, now_ms=now)
        return [
            one
            for spent in standing
            if (limit := configured(self._limits, spent.scope)) is not None
            and (one := self._notices.reached(spent, limit, turn, refused)) is not None
        ]

    async def _tell(self, reached: Sequence[Reached], turn: Turn) -> list[Reached]:
        """Record levels, tell people of them, and return those that nobody had told meanwhile."""
        fresh = await self._budgets.told(reached, now_ms=self._clock()) if reached else []
        for one in fresh:
            self._notices.announce(one, turn)
        return fresh

    async def _write(self, one: Reached, turn: Turn) -> None:
        """Tell the user of a turn what was withheld while the turn ran."""
        code = ""
        if turn.user_id in one.coded:
            ref = reference(one.spent.scope, one.spent.day, one.spent.key)
            code = await self._codes.issue(CodeKind.BUDGET, ref, turn.user_id, until_ms=one.until_ms)
        for draft in one.drafts(turn.user_id, code):
            await self._outbox.add(draft, user_id=turn.user_id, now_ms=self._clock())


def _waits_for_the_end(one: Reached, turn: Turn) -> bool:
    """Return whether the user of a turn is told of a level at its end only."""
    return one.levels[-1] >= LEVELS[-1] and own_reply(turn) is not None and turn.user_id in one.recipients


def _without_author(one: Reached, turn: Turn, withheld: set[str]) -> Reached:
    """Return a level without the user of the turn as a recipient, where its scope is withheld."""
    if one.spent.scope not in withheld:
        return one
    return replace(one, recipients=[user_id for user_id in one.recipients if user_id != turn.user_id])


def _not_recorded(turn: Turn, error: StorageError) -> None:
    logger.error("%s: the level of a limit could not be recorded: %s", turn.message_id, error)
