"""ADD 5 CODE: an administrator raises one limit by 5 US dollars."""

from __future__ import annotations

from supervisor.commands.dispatch import Asker, CommandAnswer
from supervisor.commands.reading.words import Command, Word
from supervisor.protocol.codes import CodeKind
from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import Role
from supervisor.protocol.times import Clock, nanos, now_ms
from supervisor.sentences import commands as say
from supervisor.sessions.pool import SessionPool
from supervisor.spending.limits import MOST_TIMES, Scope, most_added
from supervisor.spending.naming import limit_name
from supervisor.spending.spending import Spending
from supervisor.store.ports.keys import CodeStore
from supervisor.store.ports.sessions import SessionStore
from supervisor.store.records.acceptance import Raise, Raised


class BudgetCommands:
    """Carries out ADD.

    Args:
        sessions: those in memory.

    Attributes:
        words: the words that it carries out.
    """

    words = frozenset({Word.ADD})

    def __init__(
        self,
        codes: CodeStore,
        records: SessionStore,
        spending: Spending,
        sessions: SessionPool,
        clock: Clock = now_ms,
    ) -> None:
        self._records = records
        self._codes = codes
        self._sessions = sessions
        self._spending = spending
        self._clock = clock

    async def answer(self, command: Command, asker: Asker) -> CommandAnswer:
        """Return what T1 adds to a limit, and the sentence for each result."""
        # Before the code is looked up: others must not learn whether the code exists.
        if asker.user.role is not Role.ADMIN:
            return CommandAnswer(text=say.ONLY_ADMINS())
        code = await self._codes.find(command.code)
        if code is None or code.kind is not CodeKind.BUDGET or code.user_id != asker.user.id:
            return CommandAnswer(text=say.NO_LIMIT(code=command.code))
        if code.closed_ms is None and not code.is_open(self._clock()):
            return CommandAnswer(text=say.LIMIT_CODE_EXPIRED(code=command.code))
        scope, day, key = code.ref.split("/", 2)
        limit = self._spending.limit(scope)
        amount = nanos(float(command.amount_usd or 0))
        if limit is None or amount <= 0:
            return CommandAnswer(text=say.NOTHING_TO_RAISE())
        session = await self._records.get(SessionId(key)) if scope == Scope.SESSION else None
        name = limit_name(scope, key, asker.user.id, project=session.project if session is not None else "")

        def told(added: int, result: Raised) -> str:
            now = limit + added
            match result:
                case Raised.USED:
                    return say.ADD_CODE_USED(code=code.code, limit_name=name, limit=now)
                case Raised.ADDED:
                    return say.ADDED(added=amount, limit_name=name, limit=now)
                case Raised.REOPENED:
                    return say.ADDED_AND_REOPENED(added=amount, limit_name=name, limit=now)
                case _:
                    return say.MOST_RAISED(limit_name=name, limit=now, most=MOST_TIMES * limit, times=MOST_TIMES)

        if scope == Scope.SESSION:
            # Before T1: if T1 fails, or adds nothing, the limit still refuses what comes next.
            self._sessions.reopen(SessionId(key))
        raises = Raise(
            scope=scope,
            key=key,
            day=int(day),
            nanos=amount,
            most=most_added(limit),
            told=told,
            code=code.code,
        )
        return CommandAnswer(text=say.NOTHING_ADDED(), raises=raises)
