"""Whoever the project names answers, asked where they can be reached; the asker only learns that it waits."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from supervisor.config import ProjectConfig
from supervisor.protocol.errors import ApprovalNotFound
from supervisor.protocol.messages import MessageId
from supervisor.protocol.status import Permissions, TurnState
from supervisor.protocol.times import now_ms
from supervisor.store.ports.approvals import Approval
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import ALICE_PHONE, Core
from tests.supervisor.helpers import ask, connect, result, text_message
from tests.waiting import until

BOB_PHONE = "+15550101"


def core_with(folder: Path, *approvers: str) -> Core:
    (folder / "shared").mkdir()
    shared = ProjectConfig(
        path=str(folder / "shared"), users=("alice", "bob"), permissions=Permissions.EDIT, approvers=approvers
    )
    return Core(folder, connector=ScriptedConnector(), projects={"shared": shared})


async def open_one(core: Core) -> Approval | None:
    found = await core.store.approvals.open_now(now_ms=now_ms())
    return found[0] if found else None


async def asking(core: Core) -> tuple[MessageId, Approval]:
    receipt = await core.intake.accept(text_message("@shared deny git push"))
    assert receipt.message_id is not None
    await until(lambda: open_one(core), "the question is asked")
    approval = await open_one(core)
    assert approval is not None
    return receipt.message_id, approval


async def told(core: Core, text: str, phone: str) -> str:
    receipt = await core.intake.accept(text_message(text, phone=phone))
    return (await result(core, receipt.message_id)).turn.reason


async def test_an_approver_is_asked_and_the_asker_cannot_answer(tmp_path: Path) -> None:
    async with core_with(tmp_path, "bob") as core:
        await core.accounts.put_user("bob", name="Bob", role="ADMIN", phones=[BOB_PHONE])
        message_id, approval = await asking(core)
        rows = {row.to.value: row.text for row in await core.store.outbox.due("sms", now_ms=now_ms(), limit=9)}
        assert rows[ALICE_PHONE] == "[shared] This call waits for somebody's approval: Bash git push"
        assert "May it run for alice? YES " in rows[BOB_PHONE]
        assert f"YES {approval.code}" in rows[BOB_PHONE]
        assert "No question for you" in await told(core, f"YES {approval.code}", ALICE_PHONE)
        assert (await told(core, f"YES {approval.code}", BOB_PHONE)).startswith("Allowed once")

        async def over() -> bool:
            return (await result(core, message_id)).turn.state is TurnState.COMPLETED

        await until(over, "it ends")
        assert (await result(core, message_id)).answer == "allowed: True"


async def test_approvers_that_cannot_be_reached_leave_a_no(tmp_path: Path) -> None:
    async with core_with(tmp_path, "bob", "nobody") as core:
        receipt = await core.intake.accept(text_message("@shared deny git push"))

        async def over() -> bool:
            return (await result(core, receipt.message_id)).turn.state is TurnState.COMPLETED

        await until(over, "it ends at once")
        assert "needs a person's approval" in (await result(core, receipt.message_id)).answer


@pytest.mark.parametrize("lost", [{"role": "COORDINATOR"}, {"role": "OPERATOR", "projects": ["shared"]}])
async def test_an_asker_without_the_right_any_more_allows_nothing(tmp_path: Path, lost: dict[str, Any]) -> None:
    table = ProjectConfig(path=str(tmp_path / "given"), permissions=Permissions.EDIT)
    (tmp_path / "given").mkdir()
    async with Core(tmp_path, connector=ScriptedConnector(), projects={"shared": table}) as core:
        known: dict[str, Any] = {"name": "Alice", "phones": [ALICE_PHONE]}
        await core.accounts.put_user("alice", **known, role="ADMIN", projects=["shared"])
        _, approval = await asking(core)
        caller = core.directory.caller(await core.token("alice"))
        assert [one.id for one in await core.approval_operations.open(caller)] == [approval.id]
        await core.accounts.put_user("alice", **known, **lost)
        assert "Nothing was allowed" in await told(core, f"YES {approval.code}", ALICE_PHONE)
        assert await core.approval_operations.open(caller) == []
        with pytest.raises(ApprovalNotFound):
            await core.approval_operations.resolve(caller, approval.id, allow=True, channel="socket")


async def test_a_program_asks_only_where_somebody_watches(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await connect(core, path=tmp_path / "shared")
        assert "needs a person's approval" in (await ask(core, "deny git push")).answer
        caller = core.directory.caller(await core.token("alice"))

        def yes(event: object) -> None:
            answers.append(event)

        answers: list[object] = []
        core.hub.subscribe("approvals", yes)
        taken = ask(core, "deny git push")

        async def allow() -> bool:
            waiting = await core.approval_operations.open(caller)
            for approval in waiting:
                await core.approval_operations.resolve(caller, approval.code, allow=True, channel="socket")
            return bool(waiting)

        asked = asyncio.create_task(taken)
        await until(allow, "it is asked")
        assert (await asked).answer == "allowed: True"
        assert [type(event).__name__ for event in answers] == ["ApprovalRequested", "ApprovalResolved"]
