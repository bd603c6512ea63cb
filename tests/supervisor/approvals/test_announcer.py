"""Who hears of questions and of their ends: services, and everybody who may answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from supervisor.approvals.announcer import ApprovalAnnouncer
from supervisor.approvals.approvers import TOPIC, own_topic
from supervisor.protocol.events import (
    AnyEvent,
    ApprovalRequested,
    ApprovalResolved,
    ConfirmationAnswered,
    ConfirmationAsked,
)
from supervisor.protocol.messages import CHAT, DELEGATED, SessionId, UserId
from tests.fakes import ScriptedConnector
from tests.supervisor.approvals.questions import answer_of, asking, say
from tests.supervisor.harness import Core


async def test_a_question_and_its_end_are_published_to_those_who_may_answer_and_to_nobody_else(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        heard: dict[str, list[AnyEvent]] = {TOPIC: [], own_topic(UserId("alice")): [], own_topic(UserId("bob")): []}
        for topic, events in heard.items():
            core.hub.subscribe(topic, events.append)
        message_id, approval = await asking(core)
        await say(core, f"NO {approval.code}")
        await answer_of(core, message_id)
        for topic in (TOPIC, own_topic(UserId("alice"))):
            requested, resolved = heard[topic]
            assert isinstance(requested, ApprovalRequested)
            assert (requested.approval_id, requested.summary) == (approval.id, "Bash git push")
            assert resolved == ApprovalResolved(approval_id=approval.id, decision="deny")
        assert heard[own_topic(UserId("bob"))] == []


@pytest.mark.parametrize("channel", [CHAT, DELEGATED])
async def test_the_chat_of_the_turn_gets_the_whole_input_and_who_answered(channel: str, tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        announcer = ApprovalAnnouncer(core.hub, core.approvers)
        heard: list[AnyEvent] = []
        core.hub.subscribe("chat:c1", heard.append)
        _, asked = await asking(core)
        approval = replace(
            asked, channel=channel, thread="c1", session_id=SessionId("c1"), input={"command": "git push"}
        )
        announcer.requested(approval)
        announcer.resolved(approval, allowed=True, by="alice")
        announcer.resolved(approval, allowed=False)
        shown, allowed, expired = heard
        assert isinstance(shown, ConfirmationAsked)
        assert (shown.approval_id, shown.input, shown.tool) == (approval.id, {"command": "git push"}, "Bash")
        assert isinstance(allowed, ConfirmationAnswered)
        assert (allowed.decision, allowed.by) == ("allow", "alice")
        assert isinstance(expired, ConfirmationAnswered)
        assert (expired.decision, expired.by) == ("deny", "")
