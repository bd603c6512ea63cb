"""Answers that are refused: each is in the audit trail with who, by which way, from where and why."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from supervisor.approvals.answering import RefusedAnswers
from supervisor.people.identity import Caller
from supervisor.people.passphrases import Passphrases
from supervisor.people.rate_limits import TRACES
from supervisor.protocol.errors import ApprovalNotFound, NotAllowed
from supervisor.protocol.messages import UserId
from supervisor.protocol.times import now_ms
from supervisor.store.ports.approvals import Approval, Refused
from tests.fakes import ScriptedConnector
from tests.supervisor.approvals.questions import PHONE, asking, open_one
from tests.supervisor.approvals.questions import say as said
from tests.supervisor.approvals.test_second_factor import FETCH, PASSPHRASE, core_with, end, question, say, wants
from tests.supervisor.harness import ALICE_PHONE, Core
from tests.supervisor.helpers import full_trail

BOB = Caller(name="bob", user_id=UserId("bob"), source="192.0.2.7")


async def refusals(core: Core) -> list[tuple[str, dict[str, Any]]]:
    """Return by whom each refused answer was, and what its entry tells."""
    assert await core.store.audit.verify() is None
    found = await core.store.audit.entries(after=0, limit=999)
    return [(entry.actor, dict(entry.detail)) for entry in found if entry.event == "approval.refused"]


def told(approval: Approval, why: str, *, answer: str = "allow", way: str = "sms", source: str) -> dict[str, Any]:
    return {"id": approval.id, "answer": answer, "why": why, "way": way, "from": source}


@pytest.mark.requirement(31)
async def test_a_yes_without_its_second_factor_is_in_the_trail(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        verdict = await wants(core, FETCH, by="sms", project="site")
        approval = await question(core)
        await say(core, f"YES {approval.code}", by="sms")
        await say(core, f"YES {approval.code} {PASSPHRASE}", by="sms")
        await Passphrases(core.store.passphrases).set(UserId("alice"), PASSPHRASE)
        await say(core, f"YES {approval.code} 30 wrong horse battery", by="sms")
        by_link = Caller(name="alice", user_id=UserId("alice"), way="sms", source="192.0.2.7")
        with pytest.raises(NotAllowed):
            await core.approval_operations.resolve(by_link, approval.id, allow=True, channel="chat")
        assert await refusals(core) == [
            ("alice", told(approval, "second_factor", source=ALICE_PHONE)),
            ("alice", told(approval, "passphrase", source=ALICE_PHONE)),
            ("alice", told(approval, "passphrase", source=ALICE_PHONE)),
            ("alice", told(approval, "second_factor", source="192.0.2.7")),
        ]
        await say(core, f"NO {approval.code}", by="sms")
        await verdict
        assert len(await refusals(core)) == 4, "an answer that counts is none"
        await end(core)


@pytest.mark.requirement(31)
async def test_an_answer_of_somebody_who_may_not_answer_is_in_the_trail(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        _, approval = await asking(core)
        for word in ("YES", "NO"):
            assert "No question for you" in await said(core, f"{word} {approval.code}", "bob", PHONE)
        for allow in (True, False):
            with pytest.raises(ApprovalNotFound):
                await core.approval_operations.resolve(BOB, approval.code, allow=allow, channel="socket")
        with pytest.raises(ApprovalNotFound):
            await core.approval_operations.get(BOB, approval.code)
        assert await refusals(core) == [
            ("bob", told(approval, "not_asked", source=ALICE_PHONE)),
            ("bob", told(approval, "not_asked", answer="deny", source=ALICE_PHONE)),
            ("bob", told(approval, "not_asked", way="socket", source="192.0.2.7")),
            ("bob", told(approval, "not_asked", answer="deny", way="socket", source="192.0.2.7")),
        ], "who only looks is no entry"
        assert await open_one(core) == approval
        await said(core, f"NO {approval.code}")


async def test_one_person_leaves_no_more_entries_than_the_limit_and_takes_none_of_others(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        _, approval = await asking(core)
        refused = RefusedAnswers(core.store.approvals, now_ms)

        async def note(by: str) -> None:
            await refused.note(approval, Refused.NOT_ASKED, allow=True, by=by, channel="socket")

        await asyncio.gather(*(note("bob") for _ in range(TRACES + 3)))
        await note("carol")
        found = await refusals(core)
        assert [sum(by == name for by, _ in found) for name in ("bob", "carol")] == [TRACES, 1]
        await said(core, f"NO {approval.code}")


async def test_a_refused_answer_that_cannot_be_recorded_is_refused(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        verdict = await wants(core, FETCH, by="sms", project="site")
        approval = await question(core)
        with full_trail(core):
            with pytest.raises(NotAllowed):
                await core.approval_resolver.resolve(approval, allow=True, by="alice", channel="sms")
            with pytest.raises(ApprovalNotFound):
                await core.approval_operations.resolve(BOB, approval.id, allow=True, channel="socket")
        assert not verdict.done()
        assert await refusals(core) == []
        await say(core, f"NO {approval.code}", by="sms")
        await verdict
        await end(core)
