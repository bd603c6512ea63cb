"""CONTINUE, RETRY and DROP after an interrupted turn: each code works once, on any channel of its user."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from supervisor.commands.dispatch import Asker
from supervisor.commands.reading.words import Command, Word
from supervisor.commands.resume import ResumeCommands
from supervisor.protocol.codes import ALPHABET, Code, CodeKind
from supervisor.protocol.messages import Address, MessageId, UserId
from supervisor.protocol.status import Permissions, SessionStatus, Target, TurnState
from supervisor.protocol.times import now_ms
from supervisor.sessions.live import CUT_OFF
from supervisor.store.records.session import Session
from supervisor.store.rows import OUTBOX, to_outbox_row
from supervisor.turns.outcomes import ASKED_MS, INTERRUPTED_OFTEN
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import ALICE_MAIL, Core
from tests.supervisor.helpers import connect, project, result, scripted, text_message
from tests.waiting import until

PHONE = Address(kind="sms", value="+15550100")


async def cut_off(core: Core, *texts: str) -> list[MessageId]:
    """Let turns hang, one in each project that is named by its text."""
    ids = []
    for number, text in enumerate(texts, 1):
        receipt = await core.intake.accept(text_message(text))
        assert receipt.message_id is not None
        ids.append(receipt.message_id)
        await until(lambda: len(scripted(core).prompts) == number, "it runs")  # noqa: B023
        await tool_is_recorded(core, receipt.message_id)
    return ids


async def tool_is_recorded(core: Core, message_id: MessageId) -> None:
    """Wait until the tool of a running turn is in the database; does nothing for one that uses none."""
    turn = (await result(core, message_id)).turn
    if turn.text.startswith("tool "):
        await until(lambda: core.store.turns.events(turn.id), "its tool is recorded")


@asynccontextmanager
async def restarted(folder: Path, text: str = "claude: tool make deploy") -> AsyncIterator[tuple[Core, MessageId]]:
    """Give a core after a kill in the midst of a turn, with the message of that."""
    async with Core(folder, connector=ScriptedConnector()) as before:
        (message_id,) = await cut_off(before, text)
        async with Core(folder, connector=ScriptedConnector()) as after:
            yield after, message_id


async def say(core: Core, text: str, *, channel: str = "sms") -> MessageId:
    """Send a text of alice's."""
    receipt = await core.intake.accept(text_message(text, channel=channel))
    assert receipt.message_id is not None
    return receipt.message_id


async def answer(core: Core, text: str) -> str:
    """Send a text of alice's that is a command; return what she is told."""
    found = await result(core, await say(core, text))
    assert found.turn.target is Target.COMMAND, found
    return found.answer


async def notices(core: Core) -> list[str]:
    """Return what alice is told by SMS, oldest first."""
    rows = await core.store._database.read(
        lambda connection: connection.execute(f"{OUTBOX} WHERE o.channel = 'sms' ORDER BY o.number").fetchall()
    )
    return [to_outbox_row(row).text for row in rows]


async def open_codes(core: Core) -> list[Code]:
    """Return alice's open codes."""
    return await core.store.codes.open_of(UserId("alice"), CodeKind.TURN, now_ms=now_ms())


async def session_of(core: Core, message_id: MessageId) -> Session:
    """Return the session of a message."""
    session_id = (await result(core, message_id)).turn.session_id
    assert session_id is not None
    found = await core.store.sessions.get(session_id)
    assert found is not None
    return found


async def is_over(core: Core, message_id: MessageId) -> bool:
    """Return whether a message was answered."""
    return (await result(core, message_id)).turn.state is TurnState.COMPLETED


async def test_the_notice_holds_the_code_that_the_store_knows(tmp_path: Path) -> None:
    async with restarted(tmp_path) as (core, message_id):
        (code,) = await open_codes(core)
        assert code.ref == message_id
        assert code.until_ms == (await result(core, message_id)).ended_ms + ASKED_MS  # type: ignore[operator]
        (told,) = await notices(core)
        assert f" Reply CONTINUE {code.code}, RETRY {code.code} or DROP {code.code}. These tools" in told


@pytest.mark.parametrize("with_code", [True, False])
async def test_retry_runs_the_same_text_again_and_is_answered_where_it_was_asked(
    tmp_path: Path, with_code: bool
) -> None:
    async with restarted(tmp_path) as (core, message_id):
        (code,) = await open_codes(core)
        again = await say(core, f"retry {code.code.lower()}." if with_code else " Retry ")
        await until(lambda: bool(scripted(core).held()), "it runs again")
        scripted(core).release("deployed")
        await until(lambda: is_over(core, again), "it is answered")
        found, first = await result(core, again), await result(core, message_id)
        assert (found.turn.text, found.turn.session_id) == (first.turn.text, first.turn.session_id)
        assert [text for _, text in scripted(core).prompts] == [f"tool make deploy\n\n({CUT_OFF})"]
        assert (await notices(core))[-2:] == [
            'Your message "tool make deploy" runs again from its beginning.',
            "deployed",
        ]
        assert await open_codes(core) == []
        assert await answer(core, f"RETRY {code.code}") == f"The code {code.code} was used already."


async def test_continue_tells_the_model_to_check_first(tmp_path: Path) -> None:
    async with restarted(tmp_path) as (core, message_id):
        again = await say(core, "continue")
        await until(lambda: is_over(core, again), "it is answered")
        ((session_id, text),) = scripted(core).prompts
        assert session_id == (await result(core, message_id)).turn.session_id
        assert text.startswith('Your work on the message "tool make deploy" was interrupted')
        assert "which of its tool calls took effect" in text
        assert 'Your message "tool make deploy" continues.' in await notices(core)


async def test_drop_closes_it_and_runs_nothing(tmp_path: Path) -> None:
    async with restarted(tmp_path) as (core, _):
        assert await answer(core, "drop") == 'Your message "tool make deploy" was dropped.'
        assert (await open_codes(core), scripted(core).prompts) == ([], [])


async def test_a_word_that_the_provider_delivers_twice_runs_once(tmp_path: Path) -> None:
    async with restarted(tmp_path) as (core, _):
        first = await core.intake.accept(text_message("CONTINUE", key="SM1"))
        second = await core.intake.accept(text_message("CONTINUE", key="SM1"))
        assert (second.duplicate, second.message_id) == (True, first.message_id)
        await until(lambda: is_over(core, first.message_id), "it is answered")  # type: ignore[arg-type]
        assert len(scripted(core).prompts) == 1


async def test_a_word_alone_is_an_ordinary_message_where_nothing_was_interrupted(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector(), assistant=ScriptedConnector()) as core:
        found = await result(core, await say(core, "continue"))
        assert found.turn.target is not Target.COMMAND


async def test_a_word_alone_for_several_lists_them(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as before:
        await connect(before, "s1")
        await cut_off(before, "claude: tool one")
        async with Core(tmp_path, connector=ScriptedConnector()) as middle:
            await cut_off(middle, "claude: hold two")
            middle_session = (await result(middle, (await open_codes(middle))[0].ref)).turn.session_id  # type: ignore[arg-type]
            assert middle_session is not None
            # As if the first had been long ago: two within ten minutes would stop the session.
            await middle.store._database.write(lambda tx: tx.execute("UPDATE turns SET ended_ms = 1 WHERE id = 1"))
            async with Core(tmp_path, connector=ScriptedConnector()) as after:
                codes = {(await result(after, MessageId(c.ref))).turn.text: c.code for c in await open_codes(after)}
                told = await answer(after, "RETRY")
                assert set(told.splitlines()[1:]) == {f'RETRY {code} for "{text}"' for text, code in codes.items()}
                assert set(codes) == {"tool one", "hold two"}
                assert len(await open_codes(after)) == 2


async def test_other_codes_are_explained(tmp_path: Path) -> None:
    async with restarted(tmp_path) as (core, _):
        (code,) = await open_codes(core)
        unknown = ("B" if code.code != "BBBBB" else ALPHABET[1]) * 5
        assert await answer(core, f"DROP {unknown}") == f"None of your interrupted messages has the code {unknown}."
        store = core.store
        words = ResumeCommands(store.codes, store.turns, store.sessions, core.approval_resolver, lambda: code.until_ms)
        alice, bob = (Asker(user=core.directory.user(name), channel="sms", sender=PHONE) for name in ("alice", "bob"))
        late = await words.answer(Command(Word.RETRY, code.code), alice)
        assert late is not None
        assert late.text == f"The code {code.code} is no longer valid. Send your message again."
        theirs = await words.answer(Command(Word.RETRY, code.code), bob)
        assert theirs is not None
        assert (theirs.text, theirs.closes) == (f"None of your interrupted messages has the code {code.code}.", "")
        assert await words.answer(Command(Word.RETRY), bob) is None


async def test_the_next_ordinary_message_is_not_blocked_and_only_it_tells_the_model(tmp_path: Path) -> None:
    async with restarted(tmp_path) as (core, message_id):
        for text, prompt in (("claude: go", f"go\n\n({CUT_OFF})"), ("claude: on", "on")):
            said = await say(core, text)
            await until(lambda: is_over(core, said), "it is answered")  # noqa: B023
            assert scripted(core).prompts[-1] == ((await session_of(core, message_id)).id, prompt)
        assert len(await open_codes(core)) == 1


async def test_a_session_that_is_interrupted_twice_within_ten_minutes_needs_attention(tmp_path: Path) -> None:
    async with restarted(tmp_path) as (core, message_id):
        again = await say(core, "RETRY")
        await until(lambda: bool(scripted(core).held()), "it runs again")
        behind = await say(core, "claude: behind")
        async with Core(tmp_path, connector=ScriptedConnector()) as after:
            stored = await session_of(after, message_id)
            assert (stored.status, stored.end_reason) == (SessionStatus.ERROR, INTERRUPTED_OFTEN)
            told = await notices(after)
            assert any(
                "its session does not start again by itself: your next message begins a new conversation, and "
                f"`xswarm claude connect {stored.id}` at a terminal goes on with this one." in text
                for text in told
            )
            assert (await result(after, again)).turn.state is TurnState.INTERRUPTED
            await until(lambda: _has_failed(after, behind), "what waited is told")
            assert (
                'Your message "behind" was not worked on, because its session does not start'
                in (await notices(after))[-1]
            )
            assert scripted(after).prompts == []
            assert await open_codes(after) == []
            caller = after.directory.caller("operator-token-of-the-tests")
            await after.operations.sessions.connect(caller, stored.id, stored.project_path, "alice")
            assert (await session_of(after, message_id)).status is SessionStatus.ACTIVE


async def _has_failed(core: Core, message_id: MessageId) -> bool:
    return (await result(core, message_id)).turn.state is TurnState.FAILED


async def test_a_word_for_a_session_that_was_ended_on_purpose_is_refused_and_still_counts(tmp_path: Path) -> None:
    async with restarted(tmp_path) as (core, message_id):
        session = await session_of(core, message_id)
        await core.operations.sessions.disconnect(core.directory.caller("operator-token-of-the-tests"), session.id)
        assert (await answer(core, "CONTINUE")).endswith(
            " does not start again by itself. Send the message again: that begins a new conversation."
        )
        assert len(await open_codes(core)) == 1


async def test_a_person_who_lost_the_project_starts_nothing_there(tmp_path: Path) -> None:
    async with restarted(tmp_path) as (core, message_id):
        session = await session_of(core, message_id)
        bob = core.directory.user("bob")
        decision = await core.intake._conversations.again(bob, "sms", session.id, "x")
        assert decision.target is Target.REFUSED


async def test_a_word_by_mail_starts_nothing_that_a_mail_may_not_start(tmp_path: Path) -> None:
    wide = project(tmp_path, "wide", permissions=Permissions.FULL)
    async with Core(tmp_path, connector=ScriptedConnector(), projects=wide) as before:
        await cut_off(before, "@wide tool make deploy")
        async with Core(tmp_path, connector=ScriptedConnector(), projects=wide) as core:
            receipt = await core.intake.accept(text_message("RETRY", channel="mail", phone=ALICE_MAIL))
            found = await result(core, receipt.message_id)
            assert found.turn.target is Target.REFUSED
            assert "cannot be used by mail" in found.turn.reason
            assert len(await open_codes(core)) == 1


async def test_a_retry_by_a_new_mail_continues_in_the_conversation_of_the_turn(tmp_path: Path) -> None:
    first = text_message("claude: tool make deploy", phone=ALICE_MAIL, channel="mail", thread="<first@x>")
    async with Core(tmp_path, connector=ScriptedConnector()) as before:
        cut = await before.intake.accept(first)
        await until(lambda: scripted(before).prompts, "it runs")
        assert cut.message_id is not None
        await tool_is_recorded(before, cut.message_id)
        async with Core(tmp_path, connector=ScriptedConnector()) as core:
            retry = text_message("RETRY", phone=ALICE_MAIL, channel="mail", thread="<second@x>")
            again = await core.intake.accept(retry)
            await until(lambda: bool(scripted(core).held()), "it runs again")
            scripted(core).release("deployed")
            assert again.message_id is not None
            await until(lambda: is_over(core, again.message_id), "it is answered")  # type: ignore[arg-type]
            for number in range(2):  # the notice, and the answer
                (row,) = await core.store.outbox.due("mail", now_ms=2**60, limit=9)
                assert await core.store.outbox.begin(row.id, now_ms=1) is not None
                await core.store.outbox.sent(row.id, f"<{number}@us>", "", (), now_ms=1)
            thread = await core.store.outbox.find_thread("mail", ["<1@us>"])
            assert thread == "<first@x>"
            follow = text_message("and now?", phone=ALICE_MAIL, channel="mail", thread=thread)
            found = await result(core, (await core.intake.accept(follow)).message_id)
            assert found.turn.session_id == (await result(core, cut.message_id)).turn.session_id
            scripted(core).release()
