"""How a writer is signed in counts as the way of what they write, on every wire, at once and after a restart."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from supervisor.config.tables import Approvals
from supervisor.operations.work_request import WorkRequest
from supervisor.people.identity import Caller
from supervisor.permissions.policy import Risk
from supervisor.protocol.conversation import ToolCall, Verdict
from supervisor.protocol.errors import NotAllowed
from supervisor.protocol.messages import SessionId, UserId
from supervisor.protocol.queue import Mode
from supervisor.protocol.times import now_ms
from supervisor.store.ports.approvals import Approval
from supervisor.store.ports.audit import AuditFilter
from supervisor.store.ports.people.sign_in import Way
from tests.fakes import ScriptedConnector
from tests.supervisor.approvals.questions import has_run, has_started, let_go, open_now, open_one
from tests.supervisor.approvals.test_second_factor import FETCH, READ_OUTSIDE, core_with, end, question, questions, say
from tests.supervisor.harness import ALICE_PHONE, Core
from tests.supervisor.helpers import connect, scripted
from tests.waiting import until

LINKS = [Way.SMS, Way.MAIL]
SURE = ["", Way.PASSKEY, Way.TERMINAL, Way.OIDC]
CHANNELS = ["chat", "http"]


def alice(way: str) -> Caller:
    """Return alice with a session that a way signed in; empty = with a token."""
    return Caller(
        name="alice", user_id=UserId("alice"), session_id="browser" if way else "", way=way, source="192.0.2.7"
    )


async def prompt(
    core: Core, text: str, *, way: str, by: str = "chat", chat: str = "c1", mode: Mode | None = None
) -> None:
    """Write in the chat, or send a prompt to Claude Code by HTTP, as somebody who is signed in by a way."""
    if by == "chat":
        user = core.directory.user("alice")
        await core.api.chat.open(user, SessionId(chat))
        await core.api.chat.submit(user, SessionId(chat), text, mode=mode, way=alice(way).proof, source="192.0.2.7")
        return
    request = WorkRequest(caller=alice(way), channel=by)
    messages = core.operations.messages
    messages.start(await messages.send(request, SessionId("s1"), text.partition(" ")[2], None))


async def wants(core: Core, call: ToolCall, *, way: str, by: str, project: str) -> asyncio.Future[Verdict]:
    """Let a turn want to make a call; return what will be decided."""
    if by == "http":
        await connect(core, path=core.folder / project)
        core.hub.subscribe("approvals", lambda _: None)  # a program's prompt is asked about where programs subscribe
    await prompt(core, f"@{project} hold on", way=way, by=by)
    await until(scripted(core).held, "its turn runs")
    return asyncio.ensure_future(scripted(core).opened[-1].spec.decide(call))


@pytest.mark.parametrize("by", CHANNELS)
@pytest.mark.parametrize("way", LINKS)
async def test_a_link_session_is_asked_in_a_project_that_allows_everything(tmp_path: Path, way: Way, by: str) -> None:
    async with core_with(tmp_path) as core:
        verdict = await wants(core, READ_OUTSIDE, way=way, by=by, project="wild")
        approval = await question(core)
        assert (approval.risk, approval.channel, approval.way) == (Risk.OUTSIDE, by, way)
        with pytest.raises(NotAllowed, match=f"another way than {way}"):
            await core.approval_operations.resolve(alice(way), approval.id, allow=True, channel=by)
        assert f"another way than {way}" in await say(core, f"YES {approval.code}", by=way)
        assert not verdict.done()
        await core.approval_operations.resolve(alice(way), approval.id, allow=True, channel=by, proven_by=Way.PASSKEY)
        assert (await verdict).allowed
        await end(core)


@pytest.mark.parametrize("by", CHANNELS)
@pytest.mark.parametrize("way", SURE)
async def test_a_passkey_a_token_and_the_terminal_are_asked_nothing_there(tmp_path: Path, way: str, by: str) -> None:
    async with core_with(tmp_path) as core:
        assert (await (await wants(core, READ_OUTSIDE, way=way, by=by, project="wild"))).allowed
        assert await questions(core) == []
        await end(core)


@pytest.mark.parametrize("way", LINKS)
async def test_a_yes_that_is_written_in_a_chat_by_a_link_session_counts_as_its_link(tmp_path: Path, way: Way) -> None:
    async with core_with(tmp_path) as core:
        verdict = await wants(core, FETCH, way=way, by="chat", project="site")
        approval = await question(core)
        await prompt(core, f"YES {approval.code}", way=way, chat="c2")
        assert await questions(core) == [approval]
        await prompt(core, f"YES {approval.code} 30", way=way, chat="c2")
        assert await questions(core) == [approval]
        await prompt(core, f"YES {approval.code}", way=Way.PASSKEY, chat="c2")
        assert (await verdict).allowed
        await end(core)


async def test_a_yes_by_a_link_is_the_second_way_of_what_a_passkey_asked_for(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        verdict = await wants(core, FETCH, way=Way.PASSKEY, by="chat", project="site")
        approval = await question(core)
        await core.approval_operations.resolve(alice(Way.SMS), approval.id, allow=True, channel="chat")
        assert (await verdict).allowed
        await end(core)


async def test_a_link_session_that_names_another_channel_stays_that_link(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        core.hub.subscribe("approvals", lambda _: None)
        request = WorkRequest(caller=alice(Way.MAIL), channel="sms")
        decision = await core.operations.messages.decide(core.directory.user("alice"), "sms", "@site hold on")
        taken = await core.intake.submit(request.submission(core.directory.user("alice"), "@site hold on"), decision)
        core.operations.messages.start(taken)
        await until(scripted(core).held, "its turn runs")
        verdict = asyncio.ensure_future(scripted(core).opened[-1].spec.decide(FETCH))
        approval = await question(core)
        assert (approval.channel, approval.way) == ("sms", "mail")
        assert "another way than mail" in await say(core, f"YES {approval.code}", by="mail")
        await say(core, f"YES {approval.code}", by="sms")
        assert (await verdict).allowed
        await end(core)


async def test_a_grant_of_a_passkey_does_not_cover_a_link_and_one_of_a_link_its_link(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        verdict = await wants(core, FETCH, way=Way.PASSKEY, by="chat", project="site")
        approval = await question(core)
        await core.approval_operations.resolve(alice(Way.PASSKEY), approval.id, allow=True, channel="chat", minutes=60)
        assert (await verdict).allowed
        await end(core)
        store, scope = core.store.approvals, (UserId("alice"), approval.project, FETCH.name, approval.risk)
        for channel, covered in ((None, True), ("chat", True), ("sms", False), ("mail", False)):
            assert await store.granted(*scope, channel=channel, now_ms=now_ms()) is covered, channel
        verdict = await wants(core, replace(FETCH, tool_use_id="u"), way=Way.SMS, by="chat", project="site")
        second = await question(core)
        await core.approval_operations.resolve(
            alice(Way.SMS), second.id, allow=True, channel="chat", proven_by=Way.PASSKEY, minutes=60
        )
        assert (await verdict).allowed
        await end(core)
        for channel, covered in (("sms", True), ("mail", False)):
            assert await store.granted(*scope, channel=channel, now_ms=now_ms()) is covered, channel


async def test_a_message_by_a_link_does_not_join_a_turn_that_a_passkey_started(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await prompt(core, "@wild hold on", way=Way.PASSKEY)
        await until(scripted(core).held, "its turn runs")
        await prompt(core, "@wild and read it", way=Way.SMS, mode=Mode.STEER)
        (running,) = core.turns.running_turns()
        assert running.joined == []
        await end(core)


async def killed(folder: Path, way: str) -> tuple[Core, Approval]:
    """Return a core that was killed in the midst of a question of a chat turn, and the question."""
    core = Core(folder, connector=ScriptedConnector(), approvals=Approvals(high_risk=("shell",)))
    await core.__aenter__()
    await prompt(core, "@site deny git push", way=way)
    await until(lambda: open_one(core), "the question is asked")
    approval = await open_now(core)
    await has_started(core)
    return core, approval


@pytest.mark.parametrize("way", [Way.SMS, Way.PASSKEY])
async def test_the_way_outlives_a_kill(tmp_path: Path, way: Way) -> None:
    before, asked = await killed(tmp_path, way)
    settings = Approvals(high_risk=("shell",))
    async with Core(tmp_path, connector=ScriptedConnector(), approvals=settings) as core:
        scripted(core).repeated = "git push"
        kept = await open_now(core)
        assert (kept.id, kept.way, kept.kept) == (asked.id, way, True)
        told = await say(core, f"YES {asked.code}", by="sms")
        if way is Way.SMS:
            assert "another way than sms" in told
            await say(core, f"YES {asked.code}", by="mail")
        await until(lambda: has_run(core, asked), "it runs without another question, since its turn has its way")
        entries = await core.store.audit.entries(after=0, limit=500)
        accepted = [entry.detail for entry in entries if entry.event == "message.accepted"]
        assert [one.get("way") for one in accepted if one["channel"] == "chat"] == [way, way]
        let_go(core)
    let_go(before)
    await before.__aexit__()


async def test_the_trail_says_by_which_way_and_from_where(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await prompt(core, "hello", way=Way.SMS)
        await until(core.all_answered, "it is answered")
        entries = await core.store.audit.entries(after=0, limit=500)
        (accepted,) = [entry.detail for entry in entries if entry.event == "message.accepted"]
        assert (accepted["channel"], accepted["way"], accepted["address"]) == ("chat", "sms", "192.0.2.7")


@pytest.mark.parametrize(("by", "where"), [("sms", ALICE_PHONE), ("chat", "192.0.2.7"), ("http", "192.0.2.7")])
@pytest.mark.parametrize("allow", [True, False])
async def test_the_trail_says_from_where_a_question_was_answered(
    tmp_path: Path, by: str, where: str, allow: bool
) -> None:
    async with core_with(tmp_path) as core:
        verdict = await wants(core, FETCH, way=Way.PASSKEY, by="chat", project="site")
        approval = await question(core)
        word = "YES" if allow else "NO"
        if by == "sms":
            await say(core, f"{word} {approval.code}", by=by)
        elif by == "chat":
            await prompt(core, f"{word} {approval.code}", way=Way.PASSKEY, chat="c2")
        else:
            await core.approval_operations.resolve(alice(Way.PASSKEY), approval.id, allow=allow, channel=by)
        assert (await verdict).allowed is allow
        event = "approval.allowed" if allow else "approval.denied"
        (entry,) = await core.store.audit.entries(after=0, limit=500, where=AuditFilter(event=event))
        assert (entry.actor, entry.detail["from"]) == ("alice", where)
        await end(core)
