"""The contract of the outbox's listener: after each commit it gets the channels that have replies to deliver."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from dataclasses import replace

import pytest

from supervisor.protocol.codes import CodeKind
from supervisor.protocol.errors import StorageError
from supervisor.protocol.messages import Address, OutboxId, ProjectName, Reply, SessionId, UserId
from supervisor.protocol.status import Target, TurnState
from supervisor.store.port import Store
from supervisor.store.ports.approvals import NewApproval
from supervisor.store.ports.budgets import Reached
from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.records.outcome import IssuedCode
from tests.supervisor.store.builders import NOW, PHONE, draft, outcome, prompt, question, running, with_session
from tests.supervisor.store.contract_base import ContractBase
from tests.waiting import until

ALICE = UserId("alice")
MAIL = Reply(channel="mail", to=Address(kind="mail", value="alice@example.org"))


class ListeningContract(ContractBase):
    """Whichever transaction writes a reply, its channel is reported; nobody has to call anything."""

    @pytest.fixture
    def heard(self, store: Store) -> list[AbstractSet[str]]:
        """What the listener was given, one set of channels per commit with replies."""
        calls: list[AbstractSet[str]] = []
        store.outbox.listen(calls.append)
        return calls

    async def test_every_transaction_that_writes_a_reply_reports_its_channel(
        self, store: Store, heard: list[AbstractSet[str]]
    ) -> None:
        await with_session(store)
        turn = await running(store, prompt())
        waiting = [(await store.turns.accept(prompt())).message_id for _ in range(3)]
        third = await store.turns.result(waiting[2])
        assert third is not None
        assert heard == []

        async def accepts_a_refused_message() -> object:
            return await store.turns.accept(prompt(target=Target.REFUSED, refusals=[by_mail()]))

        async def accepts_a_queued_message() -> object:
            return await store.turns.accept(prompt(queued=lambda ahead: [by_mail()]))

        async def joins_the_running_turn() -> object:
            return await store.turns.join(waiting[0], turn.id, joined=[by_mail()], queued=lambda ahead: [], now_ms=NOW)

        async def does_not_join() -> object:
            return await store.turns.join(waiting[1], None, joined=[], queued=lambda ahead: [by_mail()], now_ms=NOW)

        async def cancels_one() -> object:
            return await store.turns.cancel(third.turn.id, "changed my mind", [by_mail()], now_ms=NOW)

        async def cancels_a_lane() -> object:
            return await store.turns.cancel_pending("s1", "stop", notices=lambda turn: [by_mail()], now_ms=NOW)

        async def asks_for_approval() -> object:
            return await store.approvals.ask(approval_of(turn.id), lambda code: [by_mail()], now_ms=NOW)

        async def alerts_about_a_limit() -> object:
            standing, _ = await store.budgets.standing(None, ALICE, None, now_ms=NOW)
            reached = Reached(
                spent=standing[0],
                limit=1,
                levels=[50],
                recipients=[ALICE],
                drafts=lambda user_id, code: [by_mail()],
                coded=frozenset(),
                until_ms=NOW,
            )
            return await store.budgets.told([reached], now_ms=NOW)

        async def finishes_a_turn() -> object:
            return await store.turns.finish(turn.id, outcome(replies=[by_mail()]))

        async def adds_a_reply() -> None:
            await store.outbox.add(by_mail(), user_id=ALICE, now_ms=NOW)

        steps: list[Callable[[], Awaitable[object]]] = [
            accepts_a_refused_message,
            accepts_a_queued_message,
            joins_the_running_turn,
            does_not_join,
            cancels_one,
            cancels_a_lane,
            asks_for_approval,
            alerts_about_a_limit,
            finishes_a_turn,
            adds_a_reply,
        ]
        for step in steps:
            await step()
            await until(lambda: heard, f"{step.__name__} is reported")
            assert heard == [{"mail"}], step.__name__
            heard.clear()

    async def test_the_question_at_the_end_of_a_turn_is_reported(
        self, store: Store, heard: list[AbstractSet[str]]
    ) -> None:
        turn = await running(store, question())
        asking = IssuedCode(kind=CodeKind.TURN, ref="1", until_ms=NOW + 9, notices=lambda code: [by_mail()])
        await store.turns.finish(turn.id, outcome(TurnState.INTERRUPTED, replies=[draft()], asking=asking))
        await until(lambda: heard, "it is reported")
        assert heard == [{"sms", "mail"}]

    async def test_replies_that_become_due_are_reported(self, store: Store, heard: list[AbstractSet[str]]) -> None:
        await store.outbox.add(draft("o1", not_before_ms=NOW + 60_000), user_id=None, now_ms=NOW)
        await until(lambda: heard, "it is reported")
        heard.clear()
        assert await store.outbox.wake("sms", Address(kind="sms", value="+1"), now_ms=NOW) == 0
        assert await store.outbox.wake("sms", PHONE, now_ms=NOW) == 1
        await until(lambda: heard, "it is reported")
        assert heard == [{"sms"}]

    async def test_a_transaction_without_replies_reports_nothing(
        self, store: Store, heard: list[AbstractSet[str]]
    ) -> None:
        await store.outbox.add(draft("o1"), user_id=None, now_ms=NOW)
        await until(lambda: heard, "it is reported")
        heard.clear()
        await store.outbox.add(draft("o1"), user_id=None, now_ms=NOW)  # the first of one id stays
        await store.outbox.begin(OutboxId("o1"), now_ms=NOW)
        await store.outbox.sent(OutboxId("o1"), "SM9", "", [], now_ms=NOW)
        turn = await running(store, question(queued=lambda ahead: [by_mail()]))  # nothing is ahead of it
        await store.turns.finish(turn.id, outcome())
        assert await all_reported(store, heard) == set()

    async def test_a_rolled_back_reply_reports_nothing(self, store: Store, heard: list[AbstractSet[str]]) -> None:
        await store.outbox.add(draft("o1"), user_id=None, now_ms=NOW)
        await until(lambda: heard, "it is reported")
        heard.clear()
        refused = question(target=Target.REFUSED, refusals=[by_mail(), draft("o1")])
        with pytest.raises(StorageError):  # the second reply has the id of one that is stored
            await store.turns.accept(refused)
        assert await all_reported(store, heard) == set()
        assert await store.outbox.due("mail", now_ms=NOW, limit=9) == []

    async def test_one_that_is_rolled_back_hides_no_other_of_its_group(
        self, store: Store, heard: list[AbstractSet[str]]
    ) -> None:
        await store.outbox.add(draft("o1"), user_id=None, now_ms=NOW)
        await until(lambda: heard, "it is reported")
        heard.clear()
        bad = question(target=Target.REFUSED, refusals=[by_mail(), draft("o1")])
        good = question(target=Target.REFUSED, refusals=[draft("o2")])
        outcomes = await asyncio.gather(*(store.turns.accept(one) for one in (bad, good, bad)), return_exceptions=True)
        assert [isinstance(one, StorageError) for one in outcomes] == [True, False, True]
        assert await all_reported(store, heard) == {"sms"}

    async def test_only_the_last_listener_is_told(self, store: Store, heard: list[AbstractSet[str]]) -> None:
        later: list[str] = []
        store.outbox.listen(later.extend)
        await store.outbox.add(draft(), user_id=None, now_ms=NOW)
        await until(lambda: later, "it is reported")
        assert (heard, later) == ([], ["sms"])


def by_mail() -> OutboxDraft:
    """Return a reply by mail; all others in these tests are texts."""
    return replace(draft(), reply=MAIL)


async def all_reported(store: Store, heard: list[AbstractSet[str]]) -> set[str]:
    """Return the channels of all earlier commits: commits are reported in their order, so a last one ends the wait."""
    last = replace(draft(), reply=replace(MAIL, channel="last"))
    await store.outbox.add(last, user_id=None, now_ms=NOW)
    await until(lambda: any("last" in channels for channels in heard), "the last commit is reported")
    return set().union(*heard) - {"last"}


def approval_of(turn_id: int) -> NewApproval:
    """Return a question about a call of a turn."""
    return NewApproval(
        id="a1",
        turn_id=turn_id,
        session_id=SessionId("s1"),
        user_id=ALICE,
        project=ProjectName("shop"),
        tool_use_id="toolu_1",
        tool="Bash",
        risk="shell",
        channel="sms",
        content_sha256=b"c",
        call_sha256=b"s" * 32,
        summary="Bash ls",
        expires_ms=NOW + 60_000,
    )
