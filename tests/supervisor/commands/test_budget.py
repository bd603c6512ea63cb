"""ADD: an administrator raises a limit, up to a bound, once for each message; nobody else learns anything by it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from supervisor.config import BudgetConfig
from supervisor.protocol.codes import CodeKind
from supervisor.protocol.errors import StorageError
from supervisor.protocol.messages import UserId
from supervisor.protocol.times import DAY_MS, nanos, now_ms
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import result, text_message

pytestmark = pytest.mark.usefixtures("one_utc_day")

ALICE = UserId("alice")
BOBS_PHONE = "+15550101"


class Cut:
    """A store's crash hook: what is written at a point fails there once, as if the daemon had died."""

    def __init__(self) -> None:
        self.point = ""

    def __call__(self, point: str) -> None:
        if point == self.point:
            self.point = ""
            raise OSError("cut off")


def core_with(folder: Path, crash: Cut | None = None) -> Core:
    budgets = BudgetConfig(user_daily_usd=1.0)
    return Core(folder, connector=ScriptedConnector(), budgets=budgets, crash=crash)


async def issue(core: Core, user_id: UserId = ALICE) -> str:
    """Return a code of a user for alice's limit of today."""
    now = now_ms()
    ref = f"user/{now // DAY_MS}/alice"
    return await core.store.codes.issue(CodeKind.BUDGET, ref, user_id, until_ms=now + DAY_MS)


async def told(core: Core, text: str, *, phone: str | None = None, key: str | None = None) -> str:
    """Return what the sender of a text is told."""
    message = text_message(text, key=key, **({"phone": phone} if phone else {}))
    receipt = await core.intake.accept(message)
    found = await result(core, receipt.message_id)
    assert found.turn.reason in replies(core)
    return found.turn.reason


def replies(core: Core) -> list[str]:
    """Return what is in the outbox, oldest first."""
    with closing(sqlite3.connect(core.file)) as database:
        return [body for (body,) in database.execute("SELECT body FROM outbox ORDER BY number")]


async def limit(core: Core) -> int:
    """Return alice's limit of today, in nanodollars."""
    (account,) = await core.spending.standing(ALICE, None)
    return account.limit


async def test_add_raises_a_limit_up_to_ten_times_what_is_configured(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        assert await told(core, f"add 5 {await issue(core)}.") == "Added $5.00: your limit of today is $6.00 now."
        last = await issue(core)
        assert await told(core, f"ADD 2.50 {last}") == "Added $2.50: your limit of today is $8.50 now."
        code = await issue(core)
        assert await told(core, f"ADD 1.51 {code}") == (
            "Your limit of today is $8.50, and can be raised to at most $10.00, 10 times what is configured. "
            "Nothing was added."
        )
        assert await limit(core) == nanos(8.5)
        assert await told(core, f"ADD 1.50 {code}") == "Added $1.50: your limit of today is $10.00 now."
        assert (await told(core, f"ADD 0.01 {await issue(core)}")).endswith("Nothing was added.")
        assert await limit(core) == nanos(10)
        assert await core.store.audit.verify() is None


async def test_a_code_counts_once_however_often_its_text_is_sent(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        code = await issue(core)
        assert "Added $5.00" in await told(core, f"ADD 5 {code}", key="SM1")
        assert "Added $5.00" in await told(core, f"ADD 5 {code}", key="SM1"), "the same text delivered again"
        used = f"The code {code} was used already: your limit of today is $6.00. Nothing was added."
        for text in (f"ADD 5 {code}", f"ADD 5 {code}", f"ADD 1 {code}"):
            assert await told(core, text) == used
        other = await issue(core)
        said = await asyncio.gather(told(core, f"ADD 1 {other}"), told(core, f"ADD 1 {other}"))
        assert sorted(text.split()[0] for text in said) == ["Added", "The"]
        assert await limit(core) == nanos(7)
        assert await core.store.audit.verify() is None


@pytest.mark.parametrize("amount", ["10", "1000", "99999"])
async def test_one_add_beyond_the_bound_adds_nothing(tmp_path: Path, amount: str) -> None:
    async with core_with(tmp_path) as core:
        assert "at most $10.00" in await told(core, f"ADD {amount} {await issue(core)}")
        assert await limit(core) == nanos(1)


async def test_an_amount_of_zero_or_an_unknown_code_adds_nothing(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        code = await issue(core)
        wrong = "BBBBB" if code != "BBBBB" else "CCCCC"
        assert await told(core, f"ADD 5 {wrong}") == f"No limit has the code {wrong}. Nothing was added."
        assert "Nothing was added" in await told(core, f"ADD 0 {code}")
        assert await limit(core) == nanos(1)


async def test_an_expired_code_and_another_administrators_add_nothing(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await core.accounts.put_user("bob", name="Bob", role="ADMIN", phones=[BOBS_PHONE])
        code, now = await issue(core), now_ms()
        another = await told(core, f"ADD 5 {code}", phone=BOBS_PHONE)
        assert another == f"No limit has the code {code}. Nothing was added."
        old = await core.store.codes.issue(CodeKind.BUDGET, f"user/{now // DAY_MS}/alice", ALICE, until_ms=now)
        assert await told(core, f"ADD 5 {old}") == f"The code {old} is no longer valid. Nothing was added."
        assert "Added $5.00" in await told(core, f"ADD 5 {code}")


@pytest.mark.parametrize("role", ["COORDINATOR", "OPERATOR"])
async def test_a_person_without_the_right_does_not_learn_whether_a_code_exists(tmp_path: Path, role: str) -> None:
    async with core_with(tmp_path) as core:
        await core.accounts.put_user("bob", name="Bob", role=role, phones=[BOBS_PHONE])
        code = await issue(core)
        wrong = "BBBBB" if code != "BBBBB" else "CCCCC"
        answers = {await told(core, f"ADD 5 {one}", phone=BOBS_PHONE) for one in (code, wrong)}
        answers.add(await told(core, f"ADD 5 {await issue(core, UserId('bob'))}", phone=BOBS_PHONE))
        assert answers == {"Only an administrator can raise a limit. Nothing was added."}
        assert await limit(core) == nanos(1)


@pytest.mark.parametrize("point", ["accept.before_commit", "accept.after_commit"])
async def test_a_text_that_is_delivered_again_after_a_crash_counts_once(tmp_path: Path, point: str) -> None:
    cut = Cut()
    async with core_with(tmp_path, cut) as core:
        code = await issue(core)
        cut.point = point
        with pytest.raises(StorageError):
            await core.intake.accept(text_message(f"ADD 5 {code}", key="SM1"))
        assert cut.point == ""
    async with core_with(tmp_path) as core:
        for _ in range(2):
            assert await told(core, f"ADD 5 {code}", key="SM1") == "Added $5.00: your limit of today is $6.00 now."
        assert await limit(core) == nanos(6)
        assert len(replies(core)) == 1
        assert await core.store.audit.verify() is None
