"""What is stored and sent for a new question: who may answer gets the code, everybody else only hears of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.approvals import drafts
from supervisor.approvals.approvers import Recipient
from supervisor.approvals.call import AskedCall
from supervisor.permissions.policy import Risk
from supervisor.protocol.conversation import ToolCall
from supervisor.protocol.messages import VERBATIM, Address, Reply
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import connect, scripted, send, session
from tests.waiting import until

CALL = ToolCall(tool_use_id="t", name="Bash", input={"command": "git push"})
REPLY = Reply(channel="sms", to=Address(kind="sms", value="+15550100"), meta={"prefix": "site: ", "kept": 1})


async def asked_in(core: Core) -> AskedCall:
    await connect(core)
    return AskedCall(call=CALL, session=await session(core), links=())


async def test_the_record_holds_the_call_and_who_asked_for_it(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        asked = await asked_in(core)
        await send(core, "hold on")
        await until(scripted(core).held, "it runs")
        (running,) = core.turns.running_turns()
        new = drafts.record(asked, Risk.SHELL, running.turn, expires_ms=9)
        assert (new.turn_id, new.user_id, new.channel) == (running.turn.id, "alice", running.turn.channel)
        assert (new.summary, new.risk, new.expires_ms) == ("Bash git push", "shell", 9)
        assert (new.call_sha256, new.content_sha256) == (asked.digest, asked.repeat_digest)
        scripted(core).release()


@pytest.mark.parametrize(
    ("answers", "own", "begins"),
    [
        (True, True, "[site] May it run? YES KXQPT or NO KXQPT, within 2 min."),
        (True, False, "[site] May it run for alice? YES KXQPT or NO KXQPT, within 2 min."),
        (False, True, "[site] This call waits for somebody's approval: Bash git push"),
    ],
)
async def test_each_recipient_gets_what_they_need(tmp_path: Path, answers: bool, own: bool, begins: str) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        asked = await asked_in(core)
        await send(core, "hold on")
        await until(scripted(core).held, "it runs")
        (running,) = core.turns.running_turns()
        new = drafts.record(asked, Risk.SHELL, running.turn, expires_ms=9)
        recipient = Recipient(user_id=new.user_id, reply=REPLY, channel="sms", answers=answers, own=own)
        draft = drafts.message(asked, new, recipient, "KXQPT", seconds=120.0, second_factor=False)
        assert draft.text is not None
        assert draft.text.startswith(begins)
        part = {"call": {"reader": f"{new.id}/alice/sms", "start": 0, "end": len("Bash git push")}}
        assert draft.reply.meta == {"prefix": "", "kept": 1, VERBATIM: True, **(part if answers else {})}
        scripted(core).release()
