"""Messages of people: sender, rate limits, routing, command words; each is accepted once and durably, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from supervisor.config import Limits, Routing
from supervisor.core.ground import Tuning
from supervisor.protocol.conversation import Exchange, SessionSpec
from supervisor.protocol.errors import Overloaded
from supervisor.protocol.messages import SENTENCE, Inbound, Receipt, SessionId
from supervisor.protocol.ports.connector import Conversation
from supervisor.protocol.status import Permissions, Target, TurnState
from supervisor.store.money.ledger import SqlLedger
from supervisor.store.ports.ledger import CostLine, CostQuery
from supervisor.store.records.outbox import OutboxRow
from tests.fakes import ScriptedConnector, ScriptedConversation
from tests.supervisor.harness import ALICE_MAIL, Core
from tests.supervisor.helpers import asked, connect, project, result, scripted, state, text_message
from tests.waiting import until


def core_with(folder: Path, **settings: object) -> Core:
    """Return a core whose connectors are scripted."""
    return Core(folder, connector=ScriptedConnector(), assistant=ScriptedConnector(), **settings)  # type: ignore[arg-type]


async def settled(core: Core, receipt: Receipt) -> str:
    """Wait for a message's end and return what its sender was told."""
    await until(lambda: _is_final(core, receipt), "it has ended")
    return (await replies(core))[-1].text


async def _is_final(core: Core, receipt: Receipt) -> bool:
    return (await state(core, receipt)).final


async def replies(core: Core) -> list[OutboxRow]:
    """Take the replies that wait, oldest first."""
    taken: list[OutboxRow] = []
    for channel in ("sms", "mail"):
        while rows := await core.store.outbox.due(channel, now_ms=2**60, limit=9):
            for row in rows:
                await core.store.outbox.dead(row.id, "read", now_ms=0)
            taken += rows
    return taken


def mail(text: str, *, thread: str | None = None, sender: str = ALICE_MAIL) -> Inbound:
    """Return a mail."""
    return text_message(text, phone=sender, channel="mail", thread=thread)


async def tell(core: Core, text: str, **keywords: str) -> str:
    """Send a text message and return what its sender was told at its end."""
    return await settled(core, await core.intake.accept(text_message(text, **keywords)))


@pytest.mark.requirement(31)
async def test_a_stranger_leaves_an_audit_row_and_gets_no_answer(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        receipt = await core.intake.accept(text_message("fix it", phone="+15550666"))
        assert receipt.message_id is None
        assert await replies(core) == []
        assert await core.store.turns.pending_count() == 0
        assert ("sms:+15550666", "message.dropped") in await audit(core)
        assert await core.store.audit.verify() is None


async def audit(core: Core) -> list[tuple[str, str]]:
    """Return actor and event of the audit's rows."""
    return await core.store._database.read(
        lambda connection: connection.execute("SELECT actor, event FROM audit ORDER BY seq").fetchall()
    )


async def test_a_duplicate_is_answered_once_also_concurrently_and_after_a_restart(tmp_path: Path) -> None:
    inbound = text_message("claude: hello", key="SM1")
    async with core_with(tmp_path) as core:
        receipts = await asyncio.gather(*(core.intake.accept(inbound) for _ in range(10)))
        assert len({receipt.message_id for receipt in receipts}) == 1
        assert sum(not receipt.duplicate for receipt in receipts) == 1
        await settled(core, receipts[0])
    async with core_with(tmp_path) as core:
        again = await core.intake.accept(inbound)
        assert (again.message_id, again.duplicate) == (receipts[0].message_id, True)
        assert scripted(core).prompts == []
        assert await replies(core) == []


async def test_the_same_id_on_another_account_is_another_message(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        inbound = text_message("hello", key="SM1")
        first = await core.intake.accept(inbound)
        second = await core.intake.accept(replace(inbound, account="+15550198"))
        assert first.message_id != second.message_id


async def test_concurrent_first_messages_share_one_session(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        receipts = await asyncio.gather(
            *(core.intake.accept(text_message(f"claude: number {number}")) for number in range(8))
        )
        sessions = {(await result(core, receipt.message_id)).turn.session_id for receipt in receipts}
        assert len(sessions) == 1


async def test_a_rate_limit_is_told_once_and_duplicates_count_nothing(tmp_path: Path) -> None:
    async with core_with(tmp_path, limits=Limits(messages_per_minute=3, messages_per_hour=100)) as core:
        for _ in range(5):
            await core.intake.accept(text_message("hello", key="SM1"))
        for number in (2, 3):
            assert (await tell(core, f"hello {number}", key=f"SM{number}")) == f"hello {number}"
        await replies(core)
        over = [await core.intake.accept(text_message("one more")) for _ in range(4)]
        assert [await state(core, receipt) for receipt in over] == [TurnState.CANCELLED] * 4
        (told,) = await replies(core)
        assert told.text.startswith("Rate limit exceeded: your message was not worked on. Send it again in ")
        mine = await core.intake.accept(text_message("hello", phone="+15550101"))
        assert mine.message_id is None  # bob has no phone; nobody else's limit is touched by alice's


async def test_a_person_over_the_rate_limit_can_still_abort_and_no_passphrase_is_stored(tmp_path: Path) -> None:
    async with core_with(tmp_path, limits=Limits(messages_per_minute=2)) as core:
        running = await core.intake.accept(text_message("claude: hold"))
        await until(scripted(core).held, "it runs")
        for _ in range(4):
            await core.intake.accept(text_message("claude: and hurry"))
        abort = await core.intake.accept(text_message("ABORT"))
        assert (await result(core, abort.message_id)).turn.reason == "Stopped, and dropped 1 queued message."
        await until(lambda: _is_final(core, running), "it was stopped")
        await core.intake.accept(text_message("STATUS"))
        over = await core.intake.accept(text_message("YES KXQPT correct horse battery"))
        turn = (await result(core, over.message_id)).turn
        assert (turn.target, turn.text) == (Target.REFUSED, "YES KXQPT (the rest is not kept)")


async def test_services_have_no_rate_limit_but_get_overloaded_when_the_queue_is_full(tmp_path: Path) -> None:
    async with core_with(tmp_path, limits=Limits(messages_per_minute=1), tuning=Tuning(max_queued=3)) as core:
        await connect(core)
        for _ in range(4):
            taken = await core.operations.messages.send(asked(core), SessionId("s1"), "hold", None)
            core.operations.messages.start(taken)
        await until(scripted(core).held, "the first runs")
        await until(lambda: core.turns.queued == 3, "three wait")
        with pytest.raises(Overloaded) as refused:
            await core.operations.messages.send(asked(core), SessionId("s1"), "hold", None)
        assert refused.value.retry_after
        await core.operations.sessions.disconnect(asked(core).caller, SessionId("s1"))
        await connect(core)
        await core.operations.messages.send(asked(core), SessionId("s1"), "hello", None)


async def test_an_empty_message_is_answered_with_a_sentence(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        assert await tell(core, "  \n ") == "Your message has no text. Write what is to be done."


async def test_keywords_go_to_claude_code_and_the_rest_to_the_assistant(tmp_path: Path) -> None:
    async with core_with(tmp_path, routing=Routing(followup_seconds=0)) as core:
        for text, target in (
            ("please fix the build", Target.CLAUDE_CODE),
            ("what is the latest protest about", Target.ASSISTANT),
            ("assistant: fix the build", Target.ASSISTANT),
            ("claude: hello", Target.CLAUDE_CODE),
            ("@site hello", Target.CLAUDE_CODE),
        ):
            receipt = await core.intake.accept(text_message(text))
            assert (await result(core, receipt.message_id)).turn.target is target, text


async def test_a_message_soon_after_an_answer_of_claude_code_continues_its_session(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await tell(core, "claude: hello")
        assert await tell(core, "thanks, and now?") == "thanks, and now?"
        assert [text for _, text in scripted(core).prompts] == ["hello", "thanks, and now?"]
    async with core_with(tmp_path, routing=Routing(followup_seconds=0)) as core:
        await tell(core, "thanks, and now?")
        assert scripted(core).prompts == []


async def test_a_mail_thread_keeps_its_own_session(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        receipts = [
            await core.intake.accept(mail("claude: one", thread="t1")),
            await core.intake.accept(mail("claude: two", thread="t2")),
            await core.intake.accept(mail("and more", thread="t1")),
        ]
        one, two, three = [(await result(core, receipt.message_id)).turn.session_id for receipt in receipts]
        assert one == three != two


@pytest.mark.requirement(22)
async def test_mail_cannot_reach_a_project_with_full_permissions(tmp_path: Path) -> None:
    projects = project(tmp_path, "shell", permissions=Permissions.FULL)
    async with core_with(tmp_path, projects=projects) as core:
        told = await settled(core, await core.intake.accept(mail("@shell run the tests")))
        assert "full permissions" in told
        assert "mail" in told
        assert await tell(core, "@shell hello") == "hello"
        followed = await settled(core, await core.intake.accept(mail("@shell again", thread="t1")))
        assert "full permissions" in followed
        assert [text for _, text in scripted(core).prompts] == ["hello"]


async def test_a_person_with_several_projects_is_asked_and_told_which_one_answers(tmp_path: Path) -> None:
    async with core_with(tmp_path, projects=project(tmp_path, "shop"), routing=Routing(followup_seconds=0)) as core:
        told = await tell(core, "fix the build")
        assert "Which project?" in told
        assert "@site" in told
        assert "@shop" in told
        receipt = await core.intake.accept(text_message("@shop hello"))
        await until(lambda: _is_final(core, receipt), "it is answered")
        (reply,) = await replies(core)
        assert reply.meta["prefix"] == "[shop]"
        last = await core.intake.accept(text_message("fix the build"))
        assert (await result(core, last.message_id)).turn.project == "shop"


async def test_a_project_that_is_not_the_senders_is_refused_by_name(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        told = await tell(core, "@vault open")
        assert "no project 'vault'" in told
        assert scripted(core).prompts == []


@pytest.mark.usefixtures("one_utc_day")
async def test_status_and_cost_are_answered_in_one_text(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        assert await tell(core, "Status.") == "No session is active."
        await tell(core, "claude: pay 25000000")
        assert (await tell(core, "status")).startswith("site: active, 1 message, $0.02")
        assert await tell(core, " COST ") == "Today $0.02 for 1 message; in total $0.02 for 1 message."


@pytest.mark.usefixtures("one_utc_day")
async def test_a_slow_cost_query_holds_up_no_other_message_of_the_same_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with core_with(tmp_path) as core:
        asked, may_answer = asyncio.Event(), asyncio.Event()
        cost = type(core.store.ledger).cost

        async def slow(ledger: SqlLedger, query: CostQuery) -> tuple[CostLine, list[CostLine]]:
            asked.set()
            await may_answer.wait()
            return await cost(ledger, query)

        monkeypatch.setattr(type(core.store.ledger), "cost", slow)
        slow_one = asyncio.create_task(core.intake.accept(text_message("COST", key="SM-cost")))
        await until(asked.is_set, "its query runs")
        assert await tell(core, "good morning") == "good morning"
        assert not slow_one.done()
        again = asyncio.create_task(core.intake.accept(text_message("COST", key="SM-cost")))
        may_answer.set()
        first, second = await slow_one, await again
        assert first.message_id == second.message_id
        assert [row.text for row in await replies(core)] == ["Today $0.00 for 1 message; in total $0.00 for 1 message."]


async def test_abort_stops_the_running_turn_and_drops_the_queue_behind_it(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        assert await tell(core, "abort") == "You have no running turn and no queued message."
        running = await core.intake.accept(text_message("claude: hold"))
        await until(scripted(core).held, "it runs")
        waiting = [await core.intake.accept(text_message(f"claude: {number}")) for number in range(2)]
        await replies(core)
        await core.intake.accept(text_message("ABORT"))
        await until(lambda: _is_final(core, running), "it was stopped")
        assert await state(core, running) is TurnState.CANCELLED
        assert [await state(core, receipt) for receipt in waiting] == [TurnState.CANCELLED] * 2
        told = sorted(row.text for row in await replies(core))
        assert told == ["Stopped, and dropped 2 queued messages. Written until then:\n\nso far"], (
            "one ABORT, one answer"
        )
        assert len(scripted(core).prompts) == 1


async def test_more_gives_the_rest_of_a_long_answer(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        assert await tell(core, "more") == "There is nothing more."
        receipt = await core.intake.accept(text_message("claude: " + "x" * 900))
        await until(lambda: _is_final(core, receipt), "it is answered")
        (row,) = await core.store.outbox.due("sms", now_ms=2**60, limit=9)
        assert await core.store.outbox.begin(row.id, now_ms=1) is not None
        assert await core.store.outbox.sent(row.id, "p1", "more:500", (), now_ms=1)
        await core.intake.accept(text_message("MORE"))
        (rest,) = await replies(core)
        assert (rest.text, rest.meta["offset"]) == ("x" * 900, 500)
        assert SENTENCE not in rest.meta  # it is the model's Markdown


async def test_carrier_words_inside_sentences_are_plain_text(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        assert await tell(core, "assistant: what is my status") == "what is my status"


async def test_the_note_of_a_message_is_told_to_the_model(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        inbound = replace(text_message("claude: look at this"), note="one picture was left out")
        await settled(core, await core.intake.accept(inbound))
        assert [text for _, text in scripted(core).prompts] == ["look at this\n\n(one picture was left out)"]


async def test_the_subject_of_a_mail_reaches_the_model_and_chooses_the_target(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        named = replace(mail("it is broken on Safari", thread="<1>"), subject="claude: fix the login page")
        await settled(core, await core.intake.accept(named))
        by_keyword = replace(mail("on Safari", thread="<2>"), subject="Login needs a fix")
        await settled(core, await core.intake.accept(by_keyword))
        assert [text for _, text in scripted(core).prompts] == [
            "Subject: fix the login page\n\nit is broken on Safari",
            "Subject: Login needs a fix\n\non Safari",
        ]
        status = replace(mail("", thread="<3>"), subject="STATUS")
        assert (await settled(core, await core.intake.accept(status))).startswith("site: active")


async def test_what_came_without_words_is_told_and_starts_nothing(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        picture = replace(mail(""), subject="Scan", unreadable="A picture came. Write what to do.")
        receipt = await core.intake.accept(picture)
        assert await settled(core, receipt) == "A picture came. Write what to do."
        doubtful = replace(mail(""), unreadable="A picture came. Write what to do.", doubt="it is old")
        assert await settled(core, await core.intake.accept(doubtful)) == "A picture came. Write what to do."
        assert scripted(core).prompts == []


async def test_somebody_without_any_project_gets_the_assistant_or_a_refusal(tmp_path: Path) -> None:
    for routing, expected in (
        (Routing(unauthorised="assistant"), Target.ASSISTANT),
        (Routing(unauthorised="refuse"), Target.REFUSED),
    ):
        folder = tmp_path / routing.unauthorised
        folder.mkdir()
        async with core_with(folder, routing=routing) as core:
            await core.accounts.put_user("carol", name="Carol", role="COORDINATOR", phones=["+15550103"])
            receipt = await core.intake.accept(text_message("fix the build", phone="+15550103"))
            assert (await result(core, receipt.message_id)).turn.target is expected


async def test_an_operator_may_read_but_not_start_work(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await core.accounts.put_user("olga", name="Olga", role="OPERATOR", phones=["+15550104"])
        assert "may look at sessions and costs" in await tell(core, "claude: hello", phone="+15550104")
        assert await tell(core, "STATUS", phone="+15550104") == "No session is active."
        assert scripted(core).prompts == []


class SlowToStop(ScriptedConversation):
    """Needs its time to be interrupted, or breaks."""

    def __init__(self, connector: ScriptedConnector, spec: SessionSpec, number: int) -> None:
        super().__init__(connector, spec, number)
        self.stops = asyncio.Event()
        self.breaks = False

    async def interrupt(self) -> None:
        self._connector.interrupts += 1
        if self.breaks:
            raise RuntimeError("a plug-in that is broken")
        await self.stops.wait()


class SlowConnector(ScriptedConnector):
    async def open(self, session: SessionSpec, history: Sequence[Exchange]) -> Conversation:
        self.opened.append(SlowToStop(self, session, len(self.opened)))
        return self.opened[-1]


async def slow(core: Core) -> SlowToStop:
    """Let a turn run that needs its time to be interrupted."""
    await core.intake.accept(text_message("claude: hold on"))
    await until(scripted(core).held, "it runs")
    (conversation,) = scripted(core).opened
    assert isinstance(conversation, SlowToStop)
    return conversation


async def test_a_message_whose_caller_is_cancelled_while_it_interrupts_still_runs(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=SlowConnector()) as core:
        conversation = await slow(core)
        leaving = asyncio.create_task(core.intake.accept(text_message("interrupt: claude: now")))
        await until(lambda: scripted(core).interrupts, "the turn is being interrupted")
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        conversation.stops.set()
        conversation.release()
        await until(core.all_answered, "both are answered")
        assert [reply.text for reply in await replies(core)][1:] == ["released", "now"]


async def test_a_message_is_queued_if_the_running_turn_cannot_be_interrupted(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=SlowConnector()) as core:
        conversation = await slow(core)
        conversation.breaks = True
        receipt = await core.intake.accept(text_message("interrupt: claude: now"))
        assert await state(core, receipt) is TurnState.PENDING
        conversation.release()
        assert await settled(core, receipt) == "now"
