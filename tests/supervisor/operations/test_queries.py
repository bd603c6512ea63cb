"""What a caller may ask about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from supervisor.config import BudgetConfig
from supervisor.people.identity import Caller
from supervisor.protocol.errors import (
    InvalidMessage,
    SessionNotFound,
    UserNotFound,
)
from supervisor.protocol.events import OMIT
from supervisor.protocol.messages import SessionId, UserId
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import OPERATOR, Core
from tests.supervisor.helpers import ask, asked, connect, send

S1 = SessionId("s1")


def operator(core: Core) -> Caller:
    """Return the operator."""
    return core.directory.caller(OPERATOR)


async def person(core: Core, user_id: str) -> Caller:
    """Return the holder of a user's own token."""
    return core.directory.caller(await core.token(user_id))


async def test_history_is_in_order_and_in_pages(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        for number in range(3):
            await ask(core, f"number {number}", context={"number": number})
        page = (await core.operations.queries.history(operator(core), S1, limit=4, before=None)).messages
        assert [(m.direction, m.message) for m in page[:2]] == [
            ("to_claude", "number 1"),
            ("from_claude", "number 1"),
        ]
        before = (await core.operations.queries.history(operator(core), S1, limit=4, before=page[0].id)).messages
        assert [m.message for m in before] == ["number 0", "number 0"]
        assert before[0].context == {"number": 0}


async def test_a_message_is_shown_to_its_owner_alone(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        taken = await send(core, "hello")
        message_id = taken.accepted.message_id
        alice, bob = await person(core, "alice"), await person(core, "bob")
        assert await core.operations.queries.result(alice, message_id) is not None
        assert await core.operations.queries.result(bob, message_id) is None
        assert alice.user_id == UserId("alice")


async def test_costs_that_the_connector_reports_itself_count_and_a_wrong_day_is_named(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        assert (await ask(core, "pay 1234567")).cost_nanos == 1_234_567
        every = {"user_id": None, "session_id": None, "since": None, "until": None}
        cost = await core.operations.queries.cost(operator(core), **every, group_by="session", limit=5)
        assert (cost.total_usd, [row.key for row in cost.rows]) == (0.001234567, ["s1"])
        with pytest.raises(InvalidMessage, match=r"get_cost\.since"):
            await core.operations.queries.cost(operator(core), **every | {"since": "soon"}, group_by=None, limit=5)
        assert await core.store.ledger.disagreements() == []


@pytest.mark.usefixtures("one_utc_day")
async def test_costs_come_with_the_limits_of_the_session_or_user_that_is_queried(tmp_path: Path) -> None:
    budgets = BudgetConfig(session_usd=2.0, user_daily_usd=5.0, system_daily_usd=50.0)
    async with Core(tmp_path, connector=ScriptedConnector(), budgets=budgets) as core:
        await connect(core)
        await ask(core, "pay 1200000000")

        async def shown(caller: Caller, **named: str) -> list[tuple[str, str, float, float]]:
            every = {"user_id": None, "session_id": None, "since": None, "until": None, "group_by": None, **named}
            cost = await core.operations.queries.cost(caller, **every, limit=5)
            budgets = cost.budgets if cost.budgets is not OMIT else ()
            return [(one.scope, one.id, one.spent_usd, one.limit_usd) for one in budgets]

        alice, bob = await person(core, "alice"), await person(core, "bob")
        assert await shown(operator(core)) == [("system", "", 1.2, 50.0)]
        assert await shown(operator(core), user_id="alice") == [("user", "alice", 1.2, 5.0)]
        assert await shown(operator(core), session_id="s1") == [("session", "s1", 1.2, 2.0)]
        assert await shown(alice, session_id="s1") == [("session", "s1", 1.2, 2.0)]
        assert await shown(alice) == [("system", "", 1.2, 50.0)]
        assert await shown(bob) == [("user", "bob", 0.0, 5.0)]
        await connect(core, "s2", user="bob")
        assert await shown(bob, session_id="s2") == [("session", "s2", 0.0, 2.0), ("user", "bob", 0.0, 5.0)]


@pytest.mark.requirement(11)
async def test_another_users_session_is_not_found(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        bob, operations = await person(core, "bob"), core.operations
        theirs = replace(asked(core), caller=bob)
        for call in (
            operations.messages.send(theirs, S1, "hello", None),
            operations.queries.status(bob, S1),
            operations.sessions.disconnect(bob, S1),
            operations.sessions.interrupt(bob, S1),
            operations.queries.history(bob, S1, limit=5, before=None),
            operations.queries.cost(bob, user_id=None, session_id="s1", since=None, until=None, group_by=None, limit=5),
        ):
            with pytest.raises(SessionNotFound, match="Session not found: s1"):
                await call
        assert await operations.queries.list_sessions(bob, None, active_only=False, limit=5) == []
        with pytest.raises(UserNotFound):
            await operations.queries.list_sessions(bob, "alice", active_only=False, limit=5)
