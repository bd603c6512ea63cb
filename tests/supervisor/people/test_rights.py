"""What a user may start, by the rights that they have now."""

from __future__ import annotations

from pathlib import Path

from supervisor.people.projects import Projects
from supervisor.people.rights import Rights
from supervisor.protocol.errors import NotAllowed, ProjectNotAllowed, UserNotFound
from supervisor.protocol.messages import ProjectName, UserId
from supervisor.protocol.status import TurnState
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import text_message
from tests.waiting import until

SITE = ProjectName("site")


async def test_rights_are_those_of_this_moment(tmp_path: Path) -> None:
    async with Core(tmp_path) as core:
        rights = Rights(core.directory, core.projects)
        assert rights.refusal(UserId("alice"), SITE) is None
        assert rights.refusal(UserId("alice"), ProjectName("")) is None
        assert isinstance(rights.refusal(UserId("alice"), ProjectName("vault")), ProjectNotAllowed)
        assert isinstance(rights.refusal(UserId("olga"), SITE), NotAllowed)
        assert isinstance(rights.refusal(UserId("nobody"), SITE), UserNotFound)
        assert isinstance(Rights(core.directory, Projects({})).refusal(UserId("alice"), SITE), ProjectNotAllowed)


async def test_what_waits_when_its_user_is_removed_does_not_run(tmp_path: Path) -> None:
    connector = ScriptedConnector()
    async with Core(tmp_path, connector=connector) as core:
        first = await core.intake.accept(text_message("claude: hold"))
        await until(connector.held, "the first turn runs")
        second = await core.intake.accept(text_message("claude: and then"))
        await core.accounts.remove_user("alice")
        connector.release("done")

        async def ended() -> bool:
            assert second.message_id is not None
            result = await core.store.turns.result(second.message_id)
            return result is not None and result.turn.state.final

        await until(ended, "the second turn ends")
        assert first.message_id is not None
        assert second.message_id is not None
        done, refused = (
            await core.store.turns.result(first.message_id),
            await core.store.turns.result(second.message_id),
        )
        assert done is not None
        assert done.turn.state is TurnState.COMPLETED
        assert refused is not None
        assert refused.turn.state is TurnState.FAILED
        assert "User not found: alice" in refused.why
