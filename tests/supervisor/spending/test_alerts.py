"""Levels of limits are told while the turn runs that reaches them, each once, and written only when there are any."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest

from supervisor.config import BudgetConfig
from supervisor.intake.submission import Taken
from supervisor.protocol.errors import StorageError
from supervisor.protocol.events import OMIT, AnyEvent, CostAlert
from supervisor.protocol.messages import SessionId, UserId
from supervisor.protocol.status import TurnState
from supervisor.protocol.times import DAY_MS, nanos, now_ms
from supervisor.store.ports.budgets import BudgetStore, Reached, Spent
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import PLENTY, ask, connect, scripted, send, state, text_message
from tests.supervisor.spending.limited import call
from tests.supervisor.spending.test_notices import BOBS_PHONE, bob_by_phone, bobs_session, pay, say, told
from tests.supervisor.store.builders import charge
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("one_utc_day")

T = TypeVar("T")


ASK = "Ask Alice (administrator) to raise it."
LAST = "The last message was from bob, in site."


def core_with(folder: Path, **limits: float) -> Core:
    budgets = BudgetConfig(**{"reserve_usd": 0.5, **limits})
    return Core(folder, connector=ScriptedConnector(), claude_code=PLENTY, budgets=budgets)


class Listener:
    """What is announced of limits; whole in `alerts`."""

    def __init__(self, core: Core, topic: str = "costs") -> None:
        self.heard: list[tuple[str, str, float, str]] = []
        self.alerts: list[CostAlert] = []
        core.hub.subscribe(topic, self._take)

    def _take(self, event: AnyEvent) -> None:
        if isinstance(event, CostAlert):
            self.heard.append((event.scope, event.id, event.spent_usd, event.level))
            self.alerts.append(event)


class CountedBudgets(BudgetStore):
    """Counts what is written; refuses while `refusing`."""

    def __init__(self, inner: BudgetStore) -> None:
        self._inner = inner
        self.written = 0
        self.asked = 0
        self.refusing = False

    async def standing(
        self, turn_id: int | None, user_id: UserId | None, session_id: SessionId | None, *, now_ms: int
    ) -> tuple[list[Spent], int]:
        self.asked += 1
        if self.refusing:
            raise StorageError("disk full")
        return await self._inner.standing(turn_id, user_id, session_id, now_ms=now_ms)

    async def reserve(
        self,
        turn_id: int,
        user_id: UserId,
        session_id: SessionId | None,
        nanos: int,
        check: Callable[[Sequence[Spent]], T | None],
        *,
        now_ms: int,
    ) -> T | None:
        raise AssertionError("nobody asks here")

    async def told(self, reached: Sequence[Reached], *, now_ms: int) -> list[Reached]:
        self.written += 1
        return await self._inner.told(reached, now_ms=now_ms)


def counted(core: Core) -> CountedBudgets:
    """Count from now on what the alerts of a core write."""
    assert core.spending._alerts is not None
    budgets = CountedBudgets(core.store.budgets)
    core.spending._alerts._budgets = budgets
    return budgets


_calls = iter(range(10_000))


async def spend(core: Core, dollars: float, session_id: str = "s1") -> None:
    """Make a call of so much in the turn that runs, and wait until everybody has heard of it."""
    live = core.sessions.live(SessionId(session_id))
    assert live is not None
    made = call(dollars, next(_calls))
    assert await live.meter.admit("claude-x", 0, most_nanos=0) is None
    live.meter.started(made)
    live.meter.finished(made)
    live.meter.over()
    await until(lambda: not live.meter._notifications, "it is told")


async def hold(core: Core) -> Taken:
    """Let a turn of alice's run, by a program."""
    await connect(core)
    taken = await send(core, "hold on")
    await until(scripted(core).held, "it runs")
    return taken


async def test_a_level_is_told_while_the_turn_runs_and_not_again_at_its_end(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=10.0) as core:
        listener = Listener(core)
        taken = await hold(core)
        await spend(core, 4.9)
        assert listener.heard == []
        await spend(core, 0.2)
        assert await state(core, taken) is TurnState.RUNNING
        assert listener.heard == [("user", "alice", 5.1, "warning")]
        assert told(core) == ["50 % of your limit of today is spent: $5.10 of $10.00."]
        await spend(core, 3.0)
        assert [spent for _, _, spent, _ in listener.heard] == [5.1, 8.1]
        assert re.fullmatch(
            r"80 % of your limit of today is spent: \$8\.10 of \$10\.00\. "
            r"Reply ADD 5 [A-Z]{5} to raise it by \$5\.",
            told(core)[1],
        )
        scripted(core).release()
        await until(lambda: _is(core, taken, TurnState.COMPLETED), "it ends")
        assert len(listener.heard) == len(told(core)) == 2
        assert await core.store.ledger.disagreements() == []


async def _is(core: Core, taken: Taken, wanted: TurnState) -> bool:
    return await state(core, taken) is wanted


async def test_what_several_turns_use_together_counts_while_none_has_ended(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=10.0) as core:
        listener = Listener(core)
        await hold(core)
        await hold_elsewhere(core)
        await spend(core, 3.0, "s1")
        assert listener.heard == []
        await spend(core, 3.0, "s2")
        assert listener.heard == [("user", "alice", 6.0, "warning")]


async def hold_elsewhere(core: Core) -> None:
    await core.accounts.put_user("alice", name="Alice", role="ADMIN", projects=["site", "vault"], phones=["+15550100"])
    await connect(core, "s2", path=core.vault)
    await send(core, "hold on", "s2")
    await until(lambda: len(core.turns.running_turns()) == 2 and len(scripted(core).prompts) == 2, "both run")


async def test_nothing_is_written_for_calls_that_cross_nothing(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=10.0, session_usd=20.0) as core:
        await hold(core)
        budgets = counted(core)
        for _ in range(3):
            await spend(core, 1.0)
        assert (budgets.asked, budgets.written) == (3, 0)
        await spend(core, 2.0)
        assert budgets.written == 1
        for _ in range(5):  # above a level that was told
            await spend(core, 0.1)
        assert (budgets.asked, budgets.written) == (9, 1)


async def test_a_level_that_was_told_is_not_told_after_a_restart(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=10.0) as core:
        await hold(core)
        await spend(core, 5.0)
        scripted(core).release()
        await until(core.all_answered, "it ends")
    async with core_with(tmp_path, user_daily_usd=10.0) as core:
        listener, budgets = Listener(core), counted(core)
        await hold(core)
        await spend(core, 0.1)
        scripted(core).release()
        await until(core.all_answered, "it ends")
        assert (listener.heard, budgets.written, len(told(core))) == ([], 0, 1)


async def bob_holds(core: Core) -> SessionId:
    """Let a turn of bob's run that he asked for by text, and return its session."""
    await bob_by_phone(core)
    await core.intake.accept(text_message("claude: hold on", phone=BOBS_PHONE))
    await until(scripted(core).held, "it runs")
    return await bobs_session(core)


async def test_a_limit_that_is_used_up_is_told_at_once_but_to_the_writer_by_the_refusal_alone(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=2.0) as core:
        core.guard._refused_seconds = 0.0
        listener = Listener(core)
        session_id = await bob_holds(core)
        await spend(core, 2.1, session_id)
        assert listener.heard == [("user", "bob", 2.1, "exceeded")]
        assert told(core, "bob") == []
        (alert,) = told(core)
        assert alert.startswith(f"100 % of the limit of bob for today is spent: $2.10 of $2.00. {LAST} Reply ADD 5 ")
        live = core.sessions.live(session_id)
        assert live is not None
        assert await live.meter.admit("claude-x", 0, most_nanos=0) is not None
        await until(core.all_answered, "it is ended")
        await say(core, "claude: hello", BOBS_PHONE)  # whatever the end of the one before has told is told by then
        for refusal in told(core, "bob"):
            assert refusal.startswith("Budget exceeded: user spent $2.10 of $2.00. Ask Alice")
        assert len(told(core, "bob")) == 2
        assert (len(listener.heard), told(core)) == (1, [alert])


async def test_the_writer_learns_at_the_end_that_a_limit_is_used_up_where_nothing_was_refused(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=2.0) as core:
        session_id = await bob_holds(core)
        await spend(core, 2.0, session_id)
        assert told(core, "bob") == []
        replied: list[str] = []
        core.store.outbox.listen(replied.extend)
        scripted(core).release()
        await until(lambda: told(core, "bob"), "it is told with the end")
        assert told(core, "bob") == [f"100 % of your limit of today is spent: $2.00 of $2.00. {ASK}"]
        await until(lambda: "sms" in replied, "the outbox is told")
        assert len(told(core)) == 1


async def test_a_limit_that_was_raised_meanwhile_is_not_said_to_be_used_up(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=2.0) as core:
        session_id = await bob_holds(core)
        await spend(core, 2.0, session_id)
        match = re.search(r"Reply ADD 5 ([A-Z]{5}) to raise", told(core)[0])
        assert match is not None
        assert (await say(core, f"ADD 1 {match[1]}")).startswith("Added $1.00")
        scripted(core).release()
        assert await say(core, "claude: hello", BOBS_PHONE) == ""
        assert told(core, "bob") == []


async def test_the_writer_by_text_is_told_at_once_of_what_is_not_used_up_yet(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=2.0) as core:
        session_id = await bob_holds(core)
        await spend(core, 1.0, session_id)
        assert told(core, "bob") == ["50 % of your limit of today is spent: $1.00 of $2.00."]


async def test_the_writer_is_not_told_at_the_end_of_a_limit_that_is_not_theirs_to_see(tmp_path: Path) -> None:
    async with core_with(tmp_path, system_daily_usd=2.0) as core:
        session_id = await bob_holds(core)
        await spend(core, 2.0, session_id)
        assert len(told(core)) == 1
        scripted(core).release()
        refused = await say(core, "claude: hello", BOBS_PHONE)
        assert told(core, "bob") == [refused]


async def test_of_two_limits_that_are_used_up_the_refusal_says_one_and_the_other_is_told(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=2.0, session_usd=2.0) as core:
        core.guard._refused_seconds = 0.0
        session_id = await bob_holds(core)
        await spend(core, 2.0, session_id)
        live = core.sessions.live(session_id)
        assert live is not None
        assert await live.meter.admit("claude-x", 0, most_nanos=0) is not None
        await until(lambda: len(told(core, "bob")) == 2, "both are told")
        refusal, alert = told(core, "bob")
        assert refusal.startswith("Budget exceeded: session spent $2.00 of $2.00. ")
        assert alert == f"100 % of your limit of today is spent: $2.00 of $2.00. {ASK}"


async def test_an_administrator_who_writes_gets_one_code_for_a_limit_that_is_used_up(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=2.0) as core:
        await core.intake.accept(text_message("claude: hold on"))
        await until(scripted(core).held, "it runs")
        (live,) = await core.store.sessions.list(user_id=UserId("alice"), active_only=False)
        await spend(core, 2.0, live.id)
        assert told(core) == []
        scripted(core).release()
        await until(lambda: told(core), "it is told with the end")
        (text,) = told(core)
        match = re.search(r"Reply ADD 5 ([A-Z]{5}) to raise", text)
        assert match is not None
        await core.intake.accept(text_message(f"ADD 5 {match[1]}"))
        await until(lambda: len(told(core)) == 2, "it is answered")
        assert told(core)[1] == "Added $5.00: your limit of today is $7.00 now."


async def test_a_store_that_refuses_is_reported_and_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with core_with(tmp_path, user_daily_usd=2.0) as core:
        await hold(core)
        budgets = counted(core)
        budgets.refusing = True
        await spend(core, 1.5)
        assert "the level of a limit could not be recorded: Storage failed: disk full" in caplog.text
        budgets.refusing = False
        scripted(core).release()
        await until(lambda: told(core), "its end tells what could not be told in its midst")
        assert told(core)[0].startswith("50 % of your limit of today is spent: $1.50 of $2.00.")


async def test_the_levels_of_a_message_are_announced_and_written_to_nobody(tmp_path: Path) -> None:
    async with core_with(tmp_path, message_usd=2.0) as core:
        topics = ("costs", "user:alice", "session:s1", "user:bob", "session:s2")
        listeners = {topic: Listener(core, topic) for topic in topics}
        taken = await hold(core)
        message_id = taken.accepted.message_id
        for dollars in (0.9, 0.2, 0.1, 0.5, 0.1, 0.3):
            await spend(core, dollars)
        wanted = [("message", message_id, spent, level) for spent, level in WARNED]
        assert [listeners[topic].heard for topic in topics] == [wanted, wanted, wanted, [], []]
        (alert, *_) = listeners["costs"].alerts
        assert (alert.user_id, alert.session_id, alert.limit_usd) == ("alice", "s1", 2.0)
        scripted(core).release()
        await until(lambda: _is(core, taken, TurnState.COMPLETED), "it ends")
        again = await send(core, "hold on")
        await until(scripted(core).held, "another runs")
        await spend(core, 0.9)
        await spend(core, 0.1)
        assert listeners["costs"].heard == [*wanted, ("message", again.accepted.message_id, 1.0, "warning")]
        assert told(core) == []


async def test_a_message_that_is_refused_is_announced_and_its_writer_told_by_the_refusal_alone(tmp_path: Path) -> None:
    async with core_with(tmp_path, message_usd=2.0) as core:
        core.guard._refused_seconds = 0.0
        listener = Listener(core)
        await core.intake.accept(text_message("claude: hold on"))
        await until(scripted(core).held, "it runs")
        (found,) = await core.store.sessions.list(user_id=UserId("alice"), active_only=False)
        await spend(core, 2.0, found.id)
        live = core.sessions.live(found.id)
        assert live is not None
        assert await live.meter.admit("claude-x", 0, most_nanos=0) is not None
        await until(lambda: told(core), "it is refused")
        await say(core, "claude: hello")
        (refusal,) = told(core)
        assert refusal.startswith(
            "Budget exceeded: message spent $2.00 of $2.00. Send a smaller one, or raise message_usd"
        )
        assert [(scope, level) for scope, _, _, level in listener.heard] == [("message", "exceeded")]


WARNED = [(1.1, "warning"), (1.7, "warning"), (2.1, "exceeded")]
"""What a message has cost, of 2.0 dollars, when levels are told."""


async def test_the_levels_of_a_message_whose_cost_is_known_at_its_end_are_announced_then(tmp_path: Path) -> None:
    async with core_with(tmp_path, message_usd=2.0) as core:
        listener = Listener(core)
        await connect(core)
        paid = await ask(core, pay(1.7))
        assert listener.heard == [("message", paid.turn.message_id, 1.7, "warning")]
        assert told(core) == []


async def test_a_message_to_the_assistant_is_announced_without_a_session(tmp_path: Path) -> None:
    budgets = BudgetConfig(message_usd=2.0)
    async with Core(tmp_path, assistant=ScriptedConnector(), budgets=budgets) as core:
        listener = Listener(core, "user:alice")
        await say(core, f"assistant: {pay(2.0)}")
        await until(lambda: listener.heard, "it is announced")
        (alert,) = listener.alerts
        assert (alert.scope, alert.level, alert.session_id) == ("message", "exceeded", OMIT)
        assert not [text for text in told(core) if "limit" in text]


async def test_a_limit_that_was_raised_is_told_anew_when_it_is_nearly_used_up_again(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=2.0) as core:
        await say(core, f"claude: {pay(2.0)}")
        await until(lambda: told(core), "it is told")
        match = re.search(r"^100 % .* Reply ADD 5 ([A-Z]{5}) to raise", told(core)[-1])
        assert match is not None
        await say(core, f"ADD 2 {match[1]}")
        before = len(told(core))
        await say(core, f"claude: {pay(0.1)}")
        assert len(told(core)) == before, "half of it was told before"
        await say(core, f"claude: {pay(1.4)}")
        await until(lambda: len(told(core)) > before, "it is told anew")
        (again,) = told(core)[before:]
        assert again.startswith("80 % of your limit of today is spent: $3.50 of $4.00. Reply ADD 5 ")


async def refused(core: Core, session_id: SessionId) -> None:
    """Let the turn that runs be refused a call."""
    live = core.sessions.live(session_id)
    assert live is not None
    assert await live.meter.admit("claude-x", 0, most_nanos=0) is not None


def levels(core: Core, day: int) -> list[int]:
    """Return the levels of bob's limit that count as told."""
    with closing(sqlite3.connect(core.file)) as database:
        rows = database.execute("SELECT level FROM alerts WHERE scope = 'user' AND key = 'bob' AND day = ?", (day,))
        return sorted(level for (level,) in rows)


async def test_a_limit_that_was_raised_after_it_refused_a_call_is_not_said_to_be_used_up(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=2.0) as core:
        session_id = await bob_holds(core)
        await spend(core, 2.0, session_id)
        await refused(core, session_id)
        match = re.search(r"Reply ADD 5 ([A-Z]{5}) to raise", told(core)[0])
        assert match is not None
        await say(core, f"ADD 2 {match[1]}")
        before = len(told(core))
        await core.turns.interrupt(session_id)
        await until(core.all_answered, "it ends")
        await say(core, "claude: hello", BOBS_PHONE)
        assert told(core)[before:] == []
        await say(core, f"claude: {pay(1.3)}", BOBS_PHONE)
        await until(lambda: len(told(core)) > before, "it is told anew")
        (again,) = told(core)[before:]
        assert again.startswith(f"80 % of the limit of bob for today is spent: $3.30 of $4.00. {LAST} Reply ADD 5 ")


async def test_a_call_that_was_refused_before_midnight_uses_nothing_up_of_the_new_day(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=2.0) as core:
        session_id = await bob_holds(core)
        yesterday = now_ms() - DAY_MS
        spent = charge(nanos=nanos(1.5))
        await core.store.ledger.post(None, spent, user_id=UserId("bob"), now_ms=yesterday)
        core.spending._budgets._clock = lambda: yesterday
        await spend(core, 0.5, session_id)
        await refused(core, session_id)
        core.spending._budgets._clock = now_ms
        await core.turns.interrupt(session_id)
        await until(core.all_answered, "it ends on the next day")
        await say(core, "claude: hello", BOBS_PHONE)
        assert levels(core, now_ms() // DAY_MS) == []
