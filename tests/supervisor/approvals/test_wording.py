"""What people see of a call: the command to the letter, the code first."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from channels.sms.body.shaping import shape
from supervisor.approvals import wording
from supervisor.permissions.policy import Risk
from supervisor.permissions.wording import SHOWN_CHARACTERS, brief, summary, whole
from supervisor.protocol.conversation import ToolCall, Verdict
from supervisor.protocol.events import AnyEvent, ApprovalRequested
from supervisor.protocol.messages import VERBATIM, ProjectName, SessionId, UserId
from supervisor.protocol.times import now_ms
from supervisor.store.ports.approvals import Approval, ApprovalState
from tests.fakes import ScriptedConnector
from tests.supervisor.approvals.questions import answer_of, asking, open_one, say
from tests.supervisor.harness import Core
from tests.supervisor.helpers import scripted, text_message
from tests.waiting import until

HOSTILE = "rm -rf *tmp* /x/* # `a`\nrm -rf __b__/__init__ \\$HOME\u202e\x1b[2K\ttail"


async def test_a_text_and_a_mail_show_the_command_that_runs_to_the_letter(tmp_path: Path) -> None:
    shown = "Bash rm -rf *tmp* /x/* # `a`\nrm -rf __b__/__init__ \\$HOME\\u202e\\x1b[2K\\ttail"
    call = ToolCall(tool_use_id="t", name="Bash", input={"command": HOSTILE})
    assert whole(call) == shown
    assert "\n" not in summary(call)
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await asking(core, "git *a* __b__ `c`")
        (row,) = await core.store.outbox.due("sms", now_ms=now_ms(), limit=9)
        assert row.meta[VERBATIM] is True
        await say(core, f"NO {approval.code}")
        await answer_of(core, message_id)


@pytest.mark.parametrize("text", ["\U0001f600 " + "x" * 500, "ж" * 500, "x" * 500, "y " * 300])
async def test_the_code_is_never_what_is_cut_off(text: str, tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await asking(core, f"git {text}")
        (row,) = await core.store.outbox.due("sms", now_ms=now_ms(), limit=9)
        for segments in (1, 2, 4):
            assert f"YES {approval.code} or NO {approval.code}" in shape(row.text, max_segments=segments).text
        await say(core, f"NO {approval.code}")
        await answer_of(core, message_id)


async def test_a_text_says_how_long_the_call_is_and_that_its_end_is_not_shown(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await asking(core, "git " + "x" * SHOWN_CHARACTERS)
        (row,) = await core.store.outbox.due("sms", now_ms=now_ms(), limit=9)
        told = f"The call has 249 characters. Its end is not shown here: MORE {approval.code} shows the next part."
        assert told in row.text.split("\n")[0]
        assert row.text.endswith("\nBash git " + "x" * (SHOWN_CHARACTERS - 9))
        await say(core, f"NO {approval.code}")
        await answer_of(core, message_id)


async def test_whoever_answers_by_a_program_sees_as_much_of_the_call_as_by_text(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        heard: list[AnyEvent] = []
        core.hub.subscribe("approvals", heard.append)
        command = f"git status {'x' * 90} && rm -rf build; {'y' * SHOWN_CHARACTERS}"
        message_id, approval = await asking(core, command)
        assert "&& rm -rf build; yyy" in approval.summary
        assert approval.summary.endswith("... (124 characters more)")
        assert [event.summary for event in heard if isinstance(event, ApprovalRequested)] == [approval.summary]
        assert (await say(core, f"NO {approval.code}")).endswith("xxx...")
        assert (await answer_of(core, message_id)).endswith("xxx... was not run: the person said no.")
        spec, scripted_one = scripted(core).opened[-1].spec, scripted(core)
        Path(spec.project_path, "to").symlink_to("/etc/motd")
        await core.intake.accept(text_message("claude: hold"))
        await until(scripted_one.held, "its turn runs")
        for folder, path, told in (
            ("", "to", "Read to (leading to /etc/motd)"),
            (spec.project_path, "to", "Read to (leading to /etc/motd)"),
            (f"{spec.project_path}/sub", "/etc/x", f"Read /etc/x (in {spec.project_path}/sub)"),
            (f"{spec.project_path}/sub", "../to", f"Read ../to (in {spec.project_path}/sub, leading to /etc/motd)"),
        ):
            call = ToolCall(tool_use_id=f"{folder}{path}", name="Read", input={"file_path": path}, folder=folder)
            deciding = asyncio.ensure_future(spec.decide(call))
            await until(lambda: open_one(core), "it is asked about")
            found = await open_one(core)
            assert found is not None
            assert found.summary == told
            await say(core, f"NO {found.code}")
            assert not (await deciding).allowed
        scripted_one.release()


def test_a_closed_question_says_why() -> None:
    asked = replace(OPEN, epoch=1)
    before, after = OPEN.expires_ms - 1, OPEN.expires_ms
    assert (
        wording.closed(asked, now_ms=before)
        == "KXQPT was asked before a restart; its turn is over. Nothing was allowed"
    )
    for state, consumed, told in (
        (ApprovalState.OPEN, False, "KXQPT has expired. Nothing was allowed"),
        (ApprovalState.EXPIRED, False, "KXQPT has expired. Nothing was allowed"),
        (ApprovalState.ALLOWED, False, "KXQPT was allowed before"),
        (ApprovalState.ALLOWED, True, "KXQPT was allowed before and has been used"),
        (ApprovalState.DENIED, False, "KXQPT was denied before. Nothing was allowed"),
        (ApprovalState.WITHDRAWN, False, "KXQPT counts no more: its turn is over. Nothing was allowed"),
    ):
        assert wording.closed(replace(asked, state=state, consumed=consumed), now_ms=after) == told


def test_the_note_of_a_no_becomes_one_sentence() -> None:
    assert wording.denied("bob", "wait.\n Ask Carol first.") == "denied by bob: wait. Ask Carol first"


OPEN = Approval(
    id="a1",
    turn_id=1,
    session_id=SessionId("s1"),
    user_id=UserId("alice"),
    project=ProjectName("site"),
    tool_use_id="t",
    tool="Bash",
    risk=Risk.SHELL,
    channel="sms",
    call_sha256=b"",
    content_sha256=b"",
    summary="Bash git push",
    expires_ms=9,
    code="KXQPT",
    state=ApprovalState.OPEN,
    consumed=False,
    epoch=1,
)


def test_the_model_is_told_of_a_refused_call_without_names() -> None:
    cut = "mcp__clinic__swap " + "x" * 55 + " Ann Lee"
    refused = wording.not_run(replace(OPEN, summary=cut), "alice said no: Ann Lee is away")
    assert refused.reason == f"{brief(cut)} was not run: alice said no: Ann Lee is away"
    told = wording.told_to_model(
        refused, "mcp__clinic__swap entity-1", lambda text: text.replace("Ann Lee", "entity-1")
    )
    assert told.reason == "mcp__clinic__swap entity-1 was not run: alice said no: entity-1 is away"
    call = ToolCall(tool_use_id="t", name="mcp__clinic__swap", input={"person": "Ann Lee"})
    for found in (wording.asked_before(call), wording.too_long(call, 9)):
        assert found.reason.startswith('mcp__clinic__swap {"person": "Ann Lee"} was ')
        assert wording.told_to_model(found, "it", str).reason.startswith("it was ")
    plain = Verdict(allowed=False, reason="Ann Lee")
    assert wording.told_to_model(plain, "it", lambda text: text.replace("Ann Lee", "entity-1")).reason == "entity-1"


@pytest.mark.parametrize(
    ("tool", "project", "known"),
    [
        ("mcp__clinic__swap", "site", "mcp__clinic__swap"),
        ("clinic__swap", "", "clinic__swap"),
        ("Bash", "site", "Bash git push"),
    ],
)
def test_the_model_is_told_later_of_a_call_of_a_tool_server_by_its_name(tool: str, project: str, known: str) -> None:
    assert wording.for_model(replace(OPEN, tool=tool, project=ProjectName(project))) == known
