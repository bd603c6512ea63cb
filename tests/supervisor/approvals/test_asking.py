"""Questions to people: a call that needs a yes waits for exactly that yes, and runs once. Everything else is a no."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from supervisor.protocol.conversation import ToolCall
from supervisor.protocol.errors import StorageError
from supervisor.protocol.events import AnyEvent, ApprovalRequested, ApprovalResolved
from supervisor.protocol.messages import MessageId
from supervisor.protocol.status import Permissions, TurnState
from supervisor.protocol.times import now_ms
from supervisor.store.ports.approvals import Approval, NewApproval
from supervisor.store.records.turn import Turn
from tests.fakes import ScriptedConnector
from tests.supervisor.approvals.questions import MAIL, answer_of, asking, expire, open_one, say
from tests.supervisor.harness import Core
from tests.supervisor.helpers import ask, connect, project, result, scripted, state, text_message
from tests.waiting import until


async def test_a_yes_by_text_lets_the_call_through_once(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        heard: list[AnyEvent] = []
        core.hub.subscribe("approvals", heard.append)
        message_id, approval = await asking(core)
        (row,) = await core.store.outbox.due("sms", now_ms=now_ms(), limit=9)
        assert row.text == (
            f"[site] May it run? YES {approval.code} or NO {approval.code}, within 15 min.\n"
            f"In {core.site}:\nBash git push"
        )
        receipt = await core.intake.accept(text_message(f"yes {approval.code.lower()}."))
        assert await answer_of(core, message_id) == "allowed: True"
        assert receipt.message_id is not None
        assert await state(core, receipt) is TurnState.COMPLETED
        assert await say(core, f"YES {approval.code}") == f"{approval.code} was allowed before and has been used."
        assert await say(core, f"NO {approval.code}") == f"{approval.code} was allowed before and has been used."
        assert [type(event) for event in heard] == [ApprovalRequested, ApprovalResolved]


async def test_no_answer_is_a_no(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await asking(core)
        expire(core)
        assert "nobody answered in time" in await answer_of(core, message_id)
        assert await say(core, f"YES {approval.code}") == f"{approval.code} has expired. Nothing was allowed."


async def test_a_process_that_dies_takes_its_question_along(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        _, approval = await asking(core)
        core.approvals.turn_ended(approval.session_id)
        await until(lambda: _is_closed(core), "it is withdrawn")
        told = await say(core, f"YES {approval.code}")
        assert told == f"{approval.code} counts no more: its turn is over. Nothing was allowed."


async def test_a_process_that_is_killed_while_it_asks_allows_nothing_to_its_next(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await asking(core)
        scripted(core).opened[-1].die("killed")
        await until(lambda: _is_closed(core), "it is withdrawn")
        assert await state_of(core, message_id) is TurnState.FAILED
        assert "counts no more" in await say(core, f"YES {approval.code}")
        _, other = await asking(core)
        assert other.code != approval.code
        assert "counts no more" in await say(core, f"YES {approval.code}")
        assert await open_one(core) == other
        await say(core, f"NO {other.code}")


async def test_of_several_questions_each_answer_is_for_its_own(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await core.intake.accept(text_message("claude: hold"))
        await until(scripted(core).held, "its turn runs")
        spec = scripted(core).opened[-1].spec
        calls = [ToolCall(tool_use_id=f"t{n}", name="Bash", input={"command": f"git push {n}"}) for n in range(3)]
        deciding = [asyncio.ensure_future(spec.decide(call)) for call in calls]

        async def all_asked() -> bool:
            return len(await core.store.approvals.open_now(now_ms=now_ms())) == len(calls)

        await until(all_asked, "all are asked about")
        codes = {found.summary: found.code for found in await core.store.approvals.open_now(now_ms=now_ms())}
        assert await say(core, f"YES {codes['Bash git push 2']}") == "Allowed once: Bash git push 2"
        assert await say(core, f"NO {codes['Bash git push 0']}") == "Denied: Bash git push 0"
        assert (await deciding[2]).allowed
        assert not (await deciding[0]).allowed
        assert not deciding[1].done()
        await say(core, f"YES {codes['Bash git push 1']}")
        assert (await deciding[1]).allowed
        scripted(core).release()


async def test_a_yes_to_a_file_is_none_to_what_a_link_in_its_place_leads_to(tmp_path: Path) -> None:
    projects = project(tmp_path, "site", permissions=Permissions.ASK)
    async with Core(tmp_path, connector=ScriptedConnector(), projects=projects) as core:
        await core.intake.accept(text_message("claude: hold"))
        await until(scripted(core).held, "its turn runs")
        spec = scripted(core).opened[-1].spec
        link = Path(spec.project_path, "notes")
        link.symlink_to("/etc/motd")
        deciding = asyncio.ensure_future(spec.decide(_write("t1")))
        await until(lambda: open_one(core), "the question is asked")
        (row,) = await core.store.outbox.due("sms", now_ms=now_ms(), limit=9)
        assert row.text.endswith(f"\nIn {spec.project_path}, leading to /etc/motd:\nWrite notes")
        link.unlink()
        link.symlink_to("/etc/passwd")
        await say(core, f"YES {await _code(core)}", sender=MAIL)
        assert (await deciding).reason.endswith("was not run: a link in its path was changed after the question")
        again = asyncio.ensure_future(spec.decide(_write("t2")))
        await until(lambda: open_one(core), "it is asked about again")
        await say(core, f"YES {await _code(core)}", sender=MAIL)
        assert (await again).allowed
        scripted(core).release()


def _write(tool_use_id: str) -> ToolCall:
    return ToolCall(tool_use_id=tool_use_id, name="Write", input={"file_path": "notes"})


async def _code(core: Core) -> str:
    found = await open_one(core)
    assert found is not None
    return found.code


async def test_a_call_that_waited_for_the_database_is_asked_about_as_it_is_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    projects = project(tmp_path, "site", permissions=Permissions.ASK)
    async with Core(tmp_path, connector=ScriptedConnector(), projects=projects) as core:
        await core.intake.accept(text_message("claude: hold"))
        await until(scripted(core).held, "its turn runs")
        spec = scripted(core).opened[-1].spec
        link, late = Path(spec.project_path, "notes"), 0
        link.symlink_to("/etc/motd")
        redeem, ask_ = core.store.approvals.redeem, core.store.approvals.ask
        redeemed: list[bytes] = []
        asked: list[NewApproval] = []

        def refuse_once(calls: list[Any], what: Any, target: str) -> None:
            nonlocal late
            calls.append(what)
            if len(calls) == 1:
                late += 60_000
                link.unlink()
                link.symlink_to(target)
                raise StorageError("the server does not answer")

        async def redeeming(turn: Turn, digest: bytes, *, since_ms: int, now_ms: int) -> bool:
            refuse_once(redeemed, digest, "/etc/passwd")
            return await redeem(turn, digest, since_ms=since_ms, now_ms=now_ms)

        async def asking_(new: NewApproval, questions: Any, *, now_ms: int) -> Approval | None:
            refuse_once(asked, new, "/etc/hosts")
            return await ask_(new, questions, now_ms=now_ms)

        monkeypatch.setattr(core.approvals, "_clock", lambda: now_ms() + late)
        monkeypatch.setattr(core.store.approvals, "redeem", redeeming)
        monkeypatch.setattr(core.store.approvals, "ask", asking_)
        deciding = asyncio.ensure_future(spec.decide(_write("t1")))
        await until(lambda: open_one(core), "the question is asked")
        assert redeemed[0] != redeemed[1]
        (first, second), approval = asked, await open_one(core)
        assert approval is not None
        assert first.id == second.id == approval.id
        assert first.call_sha256 != second.call_sha256
        assert approval.expires_ms >= first.expires_ms + 60_000
        assert "leading to /etc/hosts" in approval.summary
        await say(core, f"YES {approval.code}", sender=MAIL)
        assert (await deciding).allowed
        scripted(core).release()


async def test_a_yes_for_minutes_that_are_over_covers_no_call_that_waited_for_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        first, approval = await asking(core)
        await say(core, f"YES {approval.code} 30")
        assert await answer_of(core, first) == "allowed: True"
        granted, late = core.store.approvals.granted, 0

        async def asked_for(*args: Any, **more: Any) -> bool:
            nonlocal late
            if not late:
                late = 31 * 60_000
                raise StorageError("the server does not answer")
            return await granted(*args, **more)

        monkeypatch.setattr(core.approvals, "_clock", lambda: now_ms() + late)
        monkeypatch.setattr(core.store.approvals, "granted", asked_for)
        second, other = await asking(core, "git pull")
        assert await say(core, f"NO {other.code}") == "Denied: Bash git pull"
        assert "the person said no" in await answer_of(core, second)


async def test_a_call_that_is_cancelled_ends_where_its_question_cannot_be_withdrawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refusing(*args: Any, **more: Any) -> bool:
        raise StorageError("the server does not answer")

    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await core.intake.accept(text_message("claude: hold"))
        await until(scripted(core).held, "its turn runs")
        call = ToolCall(tool_use_id="t1", name="Bash", input={"command": "git push"})
        deciding = asyncio.ensure_future(scripted(core).opened[-1].spec.decide(call))
        await until(lambda: open_one(core), "the question is asked")
        monkeypatch.setattr(core.store.approvals, "close", refusing)
        deciding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await deciding
        assert core.approvals.pending.all() == []
        monkeypatch.undo()
        scripted(core).release()


async def state_of(core: Core, message_id: MessageId) -> TurnState:
    """Return how a turn ended, once it has."""
    await until(core.all_answered, "it has ended")
    return (await result(core, message_id)).turn.state


async def _is_closed(core: Core) -> bool:
    return await open_one(core) is None


async def test_whoever_cannot_be_asked_is_not_waited_for(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        assert "needs a person's approval" in (await ask(core, "deny git push")).answer
