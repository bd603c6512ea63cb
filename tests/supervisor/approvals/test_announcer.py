"""Who hears of questions and of their ends: services, and everybody who may answer."""

from __future__ import annotations

from pathlib import Path

from supervisor.approvals.approvers import TOPIC, own_topic
from supervisor.protocol.events import AnyEvent, ApprovalRequested, ApprovalResolved
from supervisor.protocol.messages import UserId
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
