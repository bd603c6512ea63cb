"""What people are told of limits: the highest level that was reached, and how it goes on where one is used up."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from supervisor.config import BudgetConfig
from supervisor.delivery.hub import Deliver
from supervisor.protocol.errors import BudgetExceeded
from supervisor.protocol.events import AnyEvent, CostAlert
from supervisor.protocol.messages import MessageId, SessionId, UserId
from supervisor.protocol.status import EndReason, TurnState
from supervisor.protocol.times import NANOS, nanos
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import ALICE_MAIL, Core
from tests.supervisor.helpers import PLENTY, ask, connect, result, scripted, session, text_message
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("one_utc_day")

BOBS_PHONE = "+15550101"
ASK = "Ask Alice (administrator) to raise it."
ADD = r"Reply ADD (\S+) ([A-Z]{5}) to raise it by \$\1\."


def core_with(folder: Path, **limits: float) -> Core:
    budgets = BudgetConfig(**{"reserve_usd": 0.5, **limits})
    return Core(folder, connector=ScriptedConnector(), claude_code=PLENTY, budgets=budgets)


def pay(dollars: float) -> str:
    """Return a prompt that costs so much."""
    return f"pay {round(dollars * NANOS)}"


def told(core: Core, user: str = "alice") -> list[str]:
    """Return what is in the outbox for a user, oldest first, without answers."""
    with closing(sqlite3.connect(core.file)) as database:
        rows = database.execute("SELECT body FROM outbox WHERE user_id = ? ORDER BY number", (user,))
        return [body for (body,) in rows if body is not None]


async def say(core: Core, text: str, phone: str | None = None) -> str:
    """Send a text, wait for the end of its turn, and return what its sender is told; empty = an answer."""
    receipt = await core.intake.accept(text_message(text, **({"phone": phone} if phone else {})))
    await until(lambda: _is_over(core, receipt.message_id), "it has ended")
    with closing(sqlite3.connect(core.file)) as database:
        replies = "SELECT body FROM outbox WHERE turn_id = (SELECT turn_id FROM inbox WHERE message_id = ?)"
        ((body,),) = database.execute(replies, (receipt.message_id,))
    return body or ""


async def bob_by_phone(core: Core) -> None:
    await core.accounts.put_user("bob", name="Bob", role="COORDINATOR", phones=[BOBS_PHONE])


async def test_an_administrator_who_is_refused_raises_the_limit_by_the_code_in_the_refusal(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=2.0) as core:
        await connect(core)
        await ask(core, pay(0.9))
        await ask(core, pay(0.8))
        refused = await say(core, "claude: hello")
        aside = r"and \$0\.50 is set aside for messages"
        match = re.fullmatch(rf"Budget exceeded: user spent \$1\.70 of \$2\.00, {aside}\. {ADD}", refused)
        assert match is not None
        assert await say(core, f"ADD {match[1]} {match[2]}") == "Added $5.00: your limit of today is $7.00 now."
        assert (await ask(core, "hello")).answer == "hello"


async def test_what_is_offered_is_within_the_bound_of_a_small_limit(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=0.4, reserve_usd=0.4) as core:
        await connect(core)
        await ask(core, pay(0.3))
        match = re.search(ADD, await say(core, "claude: hello"))
        assert match is not None
        assert match[1] == "0.40"
        assert await say(core, f"ADD {match[1]} {match[2]}") == "Added $0.40: your limit of today is $0.80 now."


async def test_who_may_not_raise_a_limit_learns_whom_to_ask_and_they_learn_the_code_once(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=2.0) as core:
        await bob_by_phone(core)
        await say(core, f"claude: {pay(1.6)}", BOBS_PHONE)
        sentence = (
            "Budget exceeded: user spent $1.60 of $2.00, and $0.50 is set aside for messages. "
            "Ask Alice (administrator) to raise the limit. Otherwise it starts again at 00:00 UTC."
        )
        for _ in range(2):
            assert await say(core, "claude: hello", BOBS_PHONE) == sentence
        assert not [text for text in told(core, "bob") if "ADD" in text]
        await until(lambda: len(told(core)) == 2, "it is told to her too")  # of 80 %, and of the refusal
        _, alert = told(core)
        match = re.fullmatch(
            r"A message of bob was refused: \$1\.60 of \$2\.00 of the limit of bob for today is spent or set aside\. "
            + ADD,
            alert,
        )
        assert match is not None
        assert await say(core, f"ADD 1 {match[2]}") == "Added $1.00: the limit of bob for today is $3.00 now."
        await say(core, "claude: hello", BOBS_PHONE)
        assert scripted(core).texts(await bobs_session(core))[-1] == "hello"


async def bobs_session(core: Core) -> SessionId:
    (found,) = await core.store.sessions.list(user_id=UserId("bob"), active_only=False)
    return found.id


async def test_without_an_administrator_the_operator_is_named(tmp_path: Path) -> None:
    async with core_with(tmp_path, system_daily_usd=2.0) as core:
        await bob_by_phone(core)
        await core.accounts.put_user("alice", name="Alice", role="COORDINATOR", phones=["+15550100"])
        await say(core, f"claude: {pay(1.6)}", BOBS_PHONE)
        refused = await say(core, "claude: hello", BOBS_PHONE)
        assert "Ask the operator of this daemon to raise the limit." in refused


async def test_after_a_sessions_limit_the_next_message_begins_a_new_one(tmp_path: Path) -> None:
    async with core_with(tmp_path, session_usd=1.0) as core:
        await bob_by_phone(core)
        await say(core, f"claude: {pay(0.8)}", BOBS_PHONE)
        first = await bobs_session(core)
        refused = await say(core, "claude: hello", BOBS_PHONE)
        assert refused == (
            "Budget exceeded: session spent $0.80 of $1.00, and $0.50 is set aside for messages. "
            "Ask Alice (administrator) to raise the limit. Its session has ended: your next message begins a new one."
        )
        assert (await session(core, first)).end_reason == EndReason.BUDGET, "it is closed before anybody is told"
        receipt = await core.intake.accept(text_message("claude: again", phone=BOBS_PHONE))
        await until(lambda: _is_over(core, receipt.message_id), "it is answered")
        found = await result(core, receipt.message_id)
        assert (found.turn.state, found.answer) == (TurnState.COMPLETED, "again")
        assert found.turn.session_id != first


async def test_an_administrator_adds_to_a_sessions_limit_and_the_session_goes_on(tmp_path: Path) -> None:
    async with core_with(tmp_path, session_usd=1.0) as core:
        await bob_by_phone(core)
        for sender, by_whom in ((BOBS_PHONE, "bob"), (None, "alice")):
            await say(core, f"claude: {pay(0.8)}", sender)
            refused = await say(core, "claude: hello", sender)
            if by_whom == "bob":
                await until(lambda: any("was refused" in text for text in told(core)), "it is told to her too")
            texts = [refused] if by_whom == "alice" else told(core)
            (ended, *_) = await core.store.sessions.list(user_id=UserId(by_whom), active_only=False)
            assert ended.end_reason == EndReason.BUDGET
            code = re.findall(ADD, texts[-1])[-1][1]
            if by_whom == "alice":
                assert refused.endswith(" With that its session goes on; otherwise your next message begins a new one.")
            assert await say(core, f"ADD 5 {code}") == (
                "Added $5.00: the limit of the session in site is $6.00 now. "
                "The session is open again for its next message."
            )
            assert (await session(core, ended.id)).resumes_by_itself
            receipt = await core.intake.accept(text_message("claude: again", **({"phone": sender} if sender else {})))
            await until(core.all_answered, "it is answered")
            found = await result(core, receipt.message_id)
            assert (found.turn.state, found.answer) == (TurnState.COMPLETED, "again")
            assert found.turn.session_id == ended.id


async def test_a_session_that_a_person_ended_is_not_opened_again_by_money(tmp_path: Path) -> None:
    async with core_with(tmp_path, session_usd=1.0) as core:
        await say(core, f"claude: {pay(0.8)}")
        (found,) = await core.store.sessions.list(user_id=UserId("alice"), active_only=False)
        await core.sessions.close(found.id, EndReason.USER)
        await until(lambda: told(core), "it is told that most of the limit is spent")
        code = re.findall(ADD, told(core)[-1])[-1][1]
        assert await say(core, f"ADD 1 {code}") == "Added $1.00: the limit of the session in site is $2.00 now."
        assert not (await session(core, found.id)).resumes_by_itself


async def _is_over(core: Core, message_id: MessageId | None) -> bool:
    return (await result(core, message_id)).turn.state.final


async def test_a_users_limit_is_announced_to_the_session_that_reached_it_and_to_no_other(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=10.0, system_daily_usd=10.0, session_usd=9.0) as core:
        topics = ("costs", "user:alice", "user:bob", "session:s1", "session:s2")
        heard: dict[str, list[str]] = {topic: [] for topic in topics}

        def listener(topic: str) -> Deliver:
            def deliver(event: AnyEvent) -> None:
                if isinstance(event, CostAlert):
                    heard[topic].append(event.scope)

            return deliver

        for topic in topics:
            core.hub.subscribe(topic, listener(topic))
        await connect(core, "s1")
        await connect(core, "s2")
        await ask(core, pay(6.0), "s1")
        assert heard == {
            "costs": ["session", "user", "system"],
            "user:alice": ["user"],
            "user:bob": [],
            "session:s1": ["session", "user"],
            "session:s2": [],
        }


async def test_a_jump_over_several_levels_tells_of_the_highest_alone(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=10.0) as core:
        heard: list[AnyEvent] = []
        core.hub.subscribe("costs", heard.append)
        await connect(core)
        await ask(core, pay(4.0))
        last = await ask(core, pay(6.0))
        (alert,) = [event for event in heard if isinstance(event, CostAlert)]
        assert (alert.level, alert.spent_usd, alert.limit_usd) == ("exceeded", 10.0, 10.0)
        (text,) = told(core)
        assert text.startswith("100 % of your limit of today is spent: $10.00 of $10.00. Reply ADD 5 ")
        (account,) = await core.spending.standing(core.directory.user("alice").id, None)
        assert (account.spent, account.limit) == (nanos(10), nanos(10))
        heard.clear()
        await core.spending.alert_ended(last.turn)  # levels that were jumped over are not told later
        assert heard == []
        assert len(told(core)) == 1


async def team(core: Core) -> None:
    """Give bob a phone, olga (OPERATOR) a mailbox, and add dora (COORDINATOR), whose limits these are not."""
    await bob_by_phone(core)
    await core.accounts.put_user("olga", name="Olga", role="OPERATOR", emails=["olga@example.org"])
    await core.accounts.put_user("dora", name="Dora", role="COORDINATOR", phones=["+15550102"])


def addressed(core: Core) -> dict[str, tuple[str, str]]:
    """Return by which channel to which address each user was told something."""
    with closing(sqlite3.connect(core.file)) as database:
        rows = database.execute(
            "SELECT user_id, channel, recipient FROM outbox WHERE body LIKE '%limit of % is spent%'"
        )
        return {user_id: (channel, recipient) for user_id, channel, recipient in rows}


@pytest.mark.parametrize("limit", ["user_daily_usd", "session_usd"])
async def test_who_asked_by_a_program_is_told_at_their_first_address_and_operators_too(
    tmp_path: Path, limit: str
) -> None:
    async with core_with(tmp_path, **{limit: 10.0}) as core:
        await team(core)
        await connect(core, user="bob")
        await ask(core, pay(8.0))
        assert addressed(core) == {
            "bob": ("sms", BOBS_PHONE),
            "alice": ("mail", ALICE_MAIL),
            "olga": ("mail", "olga@example.org"),
        }
        name = "the limit of bob for today" if limit == "user_daily_usd" else "the limit of the session in site"
        own = "your limit of today" if limit == "user_daily_usd" else name
        sentence = f"80 % of {name} is spent: $8.00 of $10.00."
        last = "The last message was from bob, in site."
        assert told(core, "bob") == [f"{sentence.replace(name, own)} {ASK}"]
        assert told(core, "olga") == [f"{sentence} {last} {ASK}"]
        (with_code,) = told(core)
        assert re.fullmatch(rf"{re.escape(f'{sentence} {last}')} {ADD}", with_code)


async def test_of_everybodys_limit_those_alone_are_told_who_oversee_it(tmp_path: Path) -> None:
    async with core_with(tmp_path, system_daily_usd=10.0) as core:
        await team(core)
        await say(core, f"claude: {pay(8.0)}", BOBS_PHONE)
        await until(lambda: told(core, "olga"), "it is told")
        assert set(addressed(core)) == {"alice", "olga"}
        (text,) = told(core, "olga")
        assert text.startswith("80 % of the limit of all users together for today is spent: $8.00 of $10.00. ")
        assert text.endswith(f" The last message was from bob, in site. {ASK}")


async def test_whose_message_by_a_program_was_refused_is_told_so_and_operators_without_a_code(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=2.0) as core:
        await team(core)
        await connect(core, user="bob")
        await ask(core, pay(1.6))
        with pytest.raises(BudgetExceeded):
            await ask(core, "hello")
        refusal = "A message of bob was refused: $1.60 of $2.00 of the limit of bob for today is spent or set aside."
        own = refusal.replace("the limit of bob for today", "your limit of today")
        assert (told(core, "bob")[1:], told(core, "olga")[1:]) == ([f"{own} {ASK}"], [f"{refusal} {ASK}"])
        assert "ADD" in told(core)[1]
        assert not told(core, "dora")


async def test_who_has_no_address_is_not_written_to(tmp_path: Path) -> None:
    async with core_with(tmp_path, user_daily_usd=2.0) as core:
        await connect(core, user="bob")
        await ask(core, pay(1.6))
        assert set(addressed(core)) == {"alice"}
        with pytest.raises(BudgetExceeded):
            await ask(core, "hello")
