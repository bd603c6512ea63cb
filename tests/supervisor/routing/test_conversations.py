"""Which conversation a message joins."""

from __future__ import annotations

from pathlib import Path

from supervisor.protocol.messages import SessionId, UserId
from supervisor.protocol.status import Target
from supervisor.protocol.times import now_ms
from supervisor.routing.conversations import Conversations
from supervisor.routing.keywords import Keywords
from supervisor.routing.rules import Router
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import ask, connect, project


def conversations(core: Core, *, now: int | None = None, default_project: str = "") -> Conversations:
    return Conversations(
        sessions=core.store.sessions,
        turns=core.store.turns,
        projects=core.projects,
        router=Router(Keywords(["test"]), "assistant"),
        followup_seconds=600,
        default_project=default_project,
        clock=lambda: now if now is not None else now_ms(),
    )


async def test_a_recent_answer_is_continued_and_an_old_one_is_not(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        await ask(core, "hello")
        alice = core.directory.user("alice")
        fresh = await conversations(core).decide(alice, "socket", "", "and now?")
        assert (fresh.target, fresh.session_id) == (Target.CLAUDE_CODE, "s1")
        late = await conversations(core, now=now_ms() + 601_000).decide(alice, "socket", "", "and now?")
        assert late.target is Target.ASSISTANT
        unasked = await conversations(core).decide(alice, "socket", "", "and now?", follows=False)
        assert unasked.target is Target.ASSISTANT


async def test_a_first_message_begins_a_conversation_and_the_next_joins_it(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        alice = core.directory.user("alice")
        joining = conversations(core)
        decision = await joining.decide(alice, "sms", "", "run a test")
        destination = await joining.destination(alice, "sms", "", decision)
        assert destination.session is None
        fresh = destination.new_session
        assert fresh is not None
        assert (fresh.user_id, fresh.project, fresh.project_path) == (UserId("alice"), "site", str(core.site))
        await connect(core, "in-a-thread")
        session = await core.store.sessions.get(SessionId("in-a-thread"))
        named = await joining.destination(alice, "sms", "", decision, session)
        assert (named.session, named.new_session, named.lane) == (session, None, "in-a-thread")


async def test_the_default_project_is_used_by_a_person_with_several_who_used_none(tmp_path: Path) -> None:
    async with Core(tmp_path, projects=project(tmp_path, "web")) as core:
        alice = core.directory.user("alice")
        asked = await conversations(core).decide(alice, "sms", "", "run a test")
        assert asked.target is Target.REFUSED
        assert "@site" in asked.reason
        assert "@web" in asked.reason
        decided = await conversations(core, default_project="web").decide(alice, "sms", "", "run a test")
        assert decided.project is not None
        assert decided.project.name == "web"
