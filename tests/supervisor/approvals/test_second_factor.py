"""Calls of high risk that were asked for by a way that can be forged: a yes by that way alone allows none of them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest

from supervisor.config.tables import Approvals
from supervisor.people.passphrases import Passphrases
from supervisor.permissions.policy import NeedsApproval, Risk, decide, look_again
from supervisor.protocol.conversation import ToolCall, Verdict
from supervisor.protocol.messages import UserId
from supervisor.protocol.status import Permissions
from supervisor.protocol.times import now_ms
from supervisor.store.ports.approvals import Approval
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import ALICE_MAIL, ALICE_PHONE, Core
from tests.supervisor.helpers import connect, project, result, scripted, send, text_message
from tests.waiting import until

ADDRESSES = {"sms": ALICE_PHONE, "mail": ALICE_MAIL}
OTHER = {"sms": "mail", "mail": "sms"}
PASSPHRASE = "correct horse battery"

READ_OUTSIDE = ToolCall(tool_use_id="t", name="Read", input={"file_path": "/etc/hostname"})
FETCH = ToolCall(tool_use_id="t", name="WebFetch", input={"url": "https://example.org/", "prompt": "read"})
BASH = ToolCall(tool_use_id="t", name="Bash", input={"command": "ls"})
WRITE = ToolCall(tool_use_id="t", name="Write", input={"file_path": "new"})
HIGH = [pytest.param(READ_OUTSIDE, Risk.OUTSIDE, id="outside"), pytest.param(FETCH, Risk.NETWORK, id="network")]
BY_DEFAULT = frozenset({Risk.OUTSIDE, Risk.NETWORK, Risk.FULL_SHELL})


def core_with(folder: Path, approvals: Approvals | None = None) -> Core:
    """Return a core in which alice may use "site" (`edit`) and "wild" (`full`)."""
    wild = project(folder, "wild", permissions=Permissions.FULL)
    return Core(folder, connector=ScriptedConnector(), projects=wild, approvals=approvals)


async def wants(core: Core, call: ToolCall, *, by: str, project: str) -> asyncio.Future[Verdict]:
    """Let a turn that came by a channel want to make a call; return what will be decided."""
    inbound = text_message(f"@{project} hold on", phone=ADDRESSES[by], channel=by)
    await core.intake.accept(inbound)
    await until(scripted(core).held, "its turn runs")
    spec = scripted(core).opened[-1].spec
    return asyncio.ensure_future(spec.decide(call))


async def questions(core: Core) -> list[Approval]:
    """Return the open questions."""
    return list(await core.store.approvals.open_now(now_ms=now_ms()))


async def question(core: Core) -> Approval:
    """Return the question, once it is asked."""
    await until(lambda: questions(core), "it is asked about")
    (approval,) = await questions(core)
    return approval


async def say(core: Core, text: str, *, by: str) -> str:
    """Send a command word by a channel; return what is told to it."""
    receipt = await core.intake.accept(text_message(text, phone=ADDRESSES[by], channel=by))
    return (await result(core, receipt.message_id)).turn.reason


async def end(core: Core) -> None:
    """Let the turns that are held end."""
    scripted(core).release()
    await until(core.all_answered, "all have ended")


@pytest.mark.parametrize("by", ["sms", "mail"])
@pytest.mark.parametrize(("call", "risk"), HIGH)
async def test_a_yes_by_the_way_it_was_asked_for_is_not_enough_and_one_by_another_is(
    call: ToolCall, risk: Risk, by: str, tmp_path: Path
) -> None:
    async with core_with(tmp_path) as core:
        verdict = await wants(core, call, by=by, project="site")
        approval = await question(core)
        assert (approval.risk, approval.channel) == (risk, by)
        (row,) = await core.store.outbox.due(by, now_ms=now_ms(), limit=9)
        assert "A yes by this way needs your passphrase behind the code" in row.text
        assert f"needs a yes by another way than {by}" in await say(core, f"YES {approval.code}", by=by)
        assert f"needs a yes by another way than {by}" in await say(core, f"YES {approval.code} 30", by=by)
        assert await questions(core) == [approval]
        assert not verdict.done()
        assert await say(core, f"YES {approval.code}", by=OTHER[by]) == f"Allowed once: {approval.summary}"
        assert (await verdict).allowed
        await end(core)


@pytest.mark.parametrize(
    ("asked", "channel", "way", "needed"),
    [
        ("sms", "http", "", False),
        ("sms", "chat", "terminal", False),
        ("sms", "chat", "passkey", False),
        ("sms", "chat", "sms", True),  # a link by text opens a chat, where the same person says yes
        ("sms", "http", "sms", True),
        ("chat", "http", "sms", True),
        ("mail", "http", "sms", False),
        ("sms", "http", "oidc", True),  # a service may give an account back to whoever reads a mailbox or a phone
        ("mail", "chat", "oidc", True),
        ("chat", "http", "oidc", False),
        ("sms", "sms", "", True),
        ("sms", "mail", "", False),
    ],
)
async def test_what_a_session_in_a_browser_counts_as(
    asked: str, channel: str, way: str, needed: bool, tmp_path: Path
) -> None:
    async with core_with(tmp_path) as core:
        verdict = await wants(core, READ_OUTSIDE, by="sms", project="site")
        approval = replace(await question(core), channel=asked, way="")  # a question of before ways were kept
        assert core.approval_resolver.needs_second_factor(approval, channel, way=way) is needed
        assert not verdict.done()
        verdict.cancel()
        await end(core)


@pytest.mark.parametrize("by", ["sms", "mail"])
@pytest.mark.parametrize(("call", "risk"), HIGH)
async def test_a_passphrase_behind_the_code_is_enough_by_the_same_way(
    call: ToolCall, risk: Risk, by: str, tmp_path: Path
) -> None:
    async with core_with(tmp_path) as core:
        await Passphrases(core.store.passphrases).set(UserId("alice"), PASSPHRASE)
        verdict = await wants(core, call, by=by, project="site")
        approval = await question(core)
        assert "not your passphrase" in await say(core, f"YES {approval.code} wrong horse battery", by=by)
        assert await questions(core) == [approval]
        assert await say(core, f"YES {approval.code} {PASSPHRASE}", by=by) == f"Allowed once: {approval.summary}"
        assert (await verdict).allowed
        await end(core)


@pytest.mark.parametrize(("call", "risk"), HIGH)
async def test_a_project_that_allows_everything_asks_too_where_the_sender_may_be_forged(
    call: ToolCall, risk: Risk, tmp_path: Path
) -> None:
    async with core_with(tmp_path) as core:
        verdict = await wants(core, call, by="sms", project="wild")
        approval = await question(core)
        assert approval.risk == risk
        assert "by another way than sms" in await say(core, f"YES {approval.code}", by="sms")
        await say(core, f"NO {approval.code}", by="sms")
        assert "the person said no" in (await verdict).reason
        await end(core)


@pytest.mark.parametrize(("call", "risk"), HIGH)
async def test_the_same_call_by_a_way_that_nobody_can_forge_runs_as_the_project_says(
    call: ToolCall, risk: Risk, tmp_path: Path
) -> None:
    async with core_with(tmp_path) as core:
        await connect(core, path=tmp_path / "wild")
        await send(core, "hold on")
        await until(scripted(core).held, "its turn runs")
        assert (await scripted(core).opened[-1].spec.decide(call)).allowed
        assert await questions(core) == []
        await end(core)


@pytest.mark.parametrize("by", ["sms", "mail"])
async def test_what_is_no_high_risk_needs_one_yes_by_any_way(by: str, tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        verdict = await wants(core, BASH, by=by, project="site")
        approval = await question(core)
        (row,) = await core.store.outbox.due(by, now_ms=now_ms(), limit=9)
        assert "passphrase" not in row.text
        assert await say(core, f"YES {approval.code}", by=by) == "Allowed once: Bash ls"
        assert (await verdict).allowed
        await end(core)


async def test_a_second_factor_by_mail_is_needed_for_what_config_toml_calls_a_high_risk(tmp_path: Path) -> None:
    async with core_with(tmp_path, Approvals(high_risk=("shell",))) as core:
        verdict = await wants(core, BASH, by="mail", project="site")
        approval = await question(core)
        assert "by another way than mail" in await say(core, f"YES {approval.code}", by="mail")
        await say(core, f"YES {approval.code}", by="sms")
        assert (await verdict).allowed
        await end(core)


async def test_what_config_toml_does_not_call_a_high_risk_needs_none(tmp_path: Path) -> None:
    async with core_with(tmp_path, Approvals(high_risk=())) as core:
        assert (await (await wants(core, READ_OUTSIDE, by="sms", project="wild"))).allowed
        await end(core)
        verdict = await wants(core, FETCH, by="mail", project="site")
        approval = await question(core)
        assert (await say(core, f"YES {approval.code}", by="mail")).startswith("Allowed once")
        assert (await verdict).allowed
        await end(core)


@pytest.mark.parametrize(
    ("call", "guarded", "risk"),
    [
        (READ_OUTSIDE, BY_DEFAULT, Risk.OUTSIDE),
        (ToolCall(tool_use_id="t", name="Edit", input={"file_path": "../x"}), BY_DEFAULT, Risk.OUTSIDE),
        (ToolCall(tool_use_id="t", name="mcp__x__y", input={"path": "/etc"}), BY_DEFAULT, Risk.OUTSIDE),
        (ToolCall(tool_use_id="t", name="Glob", input={"pattern": "/etc/*"}), BY_DEFAULT, Risk.OUTSIDE),
        (ToolCall(tool_use_id="t", name="Grep", input={"pattern": "x", "glob": "../*"}), BY_DEFAULT, Risk.OUTSIDE),
        (ToolCall(tool_use_id="t", name="Glob", input={"pattern": "src/*"}), set(Risk), None),
        (FETCH, BY_DEFAULT, Risk.NETWORK),
        (ToolCall(tool_use_id="t", name="WebSearch", input={"query": "x"}), BY_DEFAULT, Risk.NETWORK),
        (BASH, BY_DEFAULT, Risk.FULL_SHELL),
        (BASH, {Risk.SHELL}, Risk.SHELL),
        (BASH, {Risk.OUTSIDE, Risk.NETWORK}, None),
        (READ_OUTSIDE, {Risk.NETWORK, Risk.FULL_SHELL}, None),
        (FETCH, {Risk.OUTSIDE, Risk.FULL_SHELL}, None),
        (WRITE, BY_DEFAULT, None),
        (WRITE, {Risk.EDIT}, Risk.EDIT),
        (
            ToolCall(tool_use_id="t", name="Write", input={"file_path": ".git/hooks/x"}),
            {Risk.PROTECTED},
            Risk.PROTECTED,
        ),
        (ToolCall(tool_use_id="t", name="mcp__x__y", input={}), {Risk.OTHER}, Risk.OTHER),
        (ToolCall(tool_use_id="t", name="Read", input={"file_path": "src/x.py"}), BY_DEFAULT, None),
    ],
)
def test_what_a_full_project_allows_is_looked_at_again_by_its_risk(
    call: ToolCall, guarded: Collection[Risk], risk: Risk | None, tmp_path: Path
) -> None:
    allowed = decide(call, Permissions.FULL, str(tmp_path))
    assert allowed.allowed
    verdict = look_again(call, allowed, str(tmp_path), guarded)
    assert (verdict.risk if isinstance(verdict, NeedsApproval) else None) is risk
    assert verdict.allowed is (risk is None)
    if risk is not None:
        assert "it was asked for by a way that can be forged" in verdict.reason


async def test_a_channel_that_proves_nothing_is_guarded_whatever_it_is_called(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        found = {
            channel: core.approvals.guarded(channel) for channel in ("sms", "e-mail", "whatsapp", "socket", "http")
        }
        guarded = frozenset({Risk.OUTSIDE, Risk.NETWORK, Risk.FULL_SHELL})
        assert found == {
            **dict.fromkeys(["sms", "e-mail", "whatsapp"], guarded),
            **dict.fromkeys(["socket", "http"], frozenset()),
        }


async def test_an_answer_below_a_quoted_question_allows_nothing_and_no_model_reads_it(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        decided = await wants(core, BASH, by="mail", project="site")
        approval = await question(core)
        told = await say(core, f"> May it run?\n\nYES {approval.code} {PASSPHRASE}", by="mail")
        assert told == f"Write YES {approval.code} above the quoted text, and nothing else. Nothing was allowed."
        assert await questions(core), "it is open still"
        assert not any(PASSPHRASE.encode() in file.read_bytes() for file in tmp_path.glob("xswarm.db*"))
        assert not any(PASSPHRASE in text for _, text in scripted(core).prompts)
        await say(core, f"NO {approval.code}", by="mail")
        assert not (await decided).allowed
        scripted(core).release()
