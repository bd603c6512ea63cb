"""Questions to people: what needs a yes waits for exactly that, once; everything else is a no."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from channels.sms.shaping import shape
from supervisor.approvals.approvals import digest
from supervisor.commands.approve import ApproveCommands
from supervisor.commands.dispatch import Asker
from supervisor.commands.resume import ResumeCommands
from supervisor.commands.words import parse
from supervisor.people.passphrases import Passphrases
from supervisor.permissions.policy import Risk
from supervisor.permissions.wording import SHOWN_CHARACTERS, summary, whole
from supervisor.protocol.conversation import ToolCall
from supervisor.protocol.events import AnyEvent, ApprovalRequested, ApprovalResolved
from supervisor.protocol.messages import VERBATIM, Address, MessageId
from supervisor.protocol.status import Permissions, TurnState
from supervisor.protocol.times import now_ms
from supervisor.store.ports.approvals import Approval
from tests.fakes import ScriptedConnector
from tests.slowness import scaled
from tests.supervisor.harness import ALICE_MAIL, ALICE_PHONE, Core
from tests.supervisor.helpers import ask, connect, project, result, scripted, session, state, text_message
from tests.waiting import until

PHONE = Address(kind="sms", value=ALICE_PHONE)
MAIL = Address(kind="mail", value=ALICE_MAIL)


async def open_one(core: Core) -> Approval | None:
    """Return the one open question."""
    found = await core.store.approvals.open_now(now_ms=now_ms())
    return found[0] if found else None


async def asking(core: Core, command: str = "git push", *, word: str = "deny") -> tuple[MessageId, Approval]:
    """Send a text whose turn wants to run a command; return the message and the question that it led to."""
    receipt = await core.intake.accept(text_message(f"{word} {command}"))
    assert receipt.message_id is not None
    await until(lambda: open_one(core), "the question is asked")
    approval = await open_one(core)
    assert approval is not None
    return receipt.message_id, approval


def words_of(core: Core) -> ApproveCommands:
    """Return what carries YES and NO out."""
    return ApproveCommands(core.store, core.approvals, Passphrases(core.store), ResumeCommands(core.store))


async def say(core: Core, text: str, user: str = "alice", sender: Address = PHONE) -> str:
    """Return what a user is told to a command word."""
    command = parse(text)
    assert command is not None, "it is an ordinary message"
    asker = Asker(user=core.directory.user(user), channel=sender.kind, sender=sender)
    return (await words_of(core).answer(command, asker)).text


async def answer_of(core: Core, message_id: MessageId) -> str:
    """Return a turn's answer, once it has ended."""

    async def ended() -> bool:
        return (await result(core, message_id)).turn.state is TurnState.COMPLETED

    await until(ended, "the turn ends")
    return (await result(core, message_id)).answer


async def test_a_yes_by_text_lets_the_call_through_once(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        heard: list[AnyEvent] = []
        core.hub.subscribe("approvals", heard.append)
        message_id, approval = await asking(core)
        (row,) = await core.store.outbox.due("sms", now_ms=now_ms(), limit=9)
        assert row.text == (
            f"[site] May it run? YES {approval.code} or NO {approval.code}, within 15 min.\n"
            f"In {core.site}:\nBash git push"
        )
        receipt = await core.intake.accept(text_message(f"yes {approval.code.lower()}."))
        assert await answer_of(core, message_id) == "allowed: True"
        assert receipt.message_id is not None
        assert await state(core, receipt) is TurnState.COMPLETED
        assert await say(core, f"YES {approval.code}") == f"{approval.code} was allowed before and has been used."
        assert await say(core, f"NO {approval.code}") == f"{approval.code} was allowed before and has been used."
        assert [type(event) for event in heard] == [ApprovalRequested, ApprovalResolved]


async def test_a_no_denies_it_and_no_yes_comes_after(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await asking(core)
        assert await say(core, f"NO {approval.code}") == "Denied: Bash git push"
        assert (await answer_of(core, message_id)).startswith("allowed: False")
        assert await say(core, f"YES {approval.code}") == f"{approval.code} was denied before. Nothing was allowed."


async def notes_of(core: Core) -> list[tuple[str, str | None]]:
    """Return what was decided, and why, as the audit trail knows it."""
    assert await core.store.audit.verify() is None
    found = await core.store.audit.entries(after=0, limit=999)
    decided = ("approval.allowed", "approval.denied")
    return [(entry.actor, entry.detail.get("note")) for entry in found if entry.event in decided]


@pytest.mark.parametrize(
    ("note", "kept", "told"),
    [
        ("not before the release", "not before the release", "denied by bob: not before the release."),
        (" wait.\nAsk Carol first. ", "wait.\nAsk Carol first.", "denied by bob: wait. Ask Carol first."),
        ("half \ud800", "half \ufffd", "denied by bob: half \ufffd."),
        (" \n", None, "the person said no."),
        ("", None, "the person said no."),
    ],
)
async def test_why_it_was_denied_is_told_and_kept(tmp_path: Path, note: str, kept: str | None, told: str) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await asking(core)
        await core.approvals.resolve(approval, allow=False, by="bob", way="socket", note=note)
        answer = await answer_of(core, message_id)
        assert answer.startswith("allowed: False")
        assert answer.endswith(f"Not done:\n- Bash git push was not run: {told}")
        assert await notes_of(core) == [("bob", kept)]


async def test_why_it_was_allowed_is_kept_and_no_reason_of_a_later_no(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await asking(core)
        await core.approvals.resolve(approval, allow=True, by="bob", way="socket", note="looks fine")
        assert await answer_of(core, message_id) == "allowed: True"
        message_id, approval = await asking(core)
        both = (
            core.approvals.resolve(approval, allow=True, by="bob", way="socket", note="looks fine"),
            core.approvals.resolve(approval, allow=False, by="carol", way="socket"),
        )
        await asyncio.gather(*both)
        assert (await answer_of(core, message_id)).endswith("was not run: the person said no.")
        assert await notes_of(core) == [("bob", "looks fine"), ("bob", "looks fine"), ("carol", None)]


@pytest.mark.parametrize("text", ["YES", "no", "ok", "ok {code}", "yes please {code}", "that is ok", "{code}"])
async def test_no_sentence_answers_it(text: str, tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await asking(core)
        await core.intake.accept(text_message(text.format(code=approval.code)))
        assert await open_one(core) == approval
        await say(core, f"NO {approval.code}")
        assert (await answer_of(core, message_id)).startswith("allowed: False")


async def test_a_code_that_is_not_ones_own_says_nothing_of_it(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await asking(core)
        unknown = "BBBBB" if approval.code != "BBBBB" else "CCCCC"
        for user, code in (("bob", approval.code), ("bob", unknown), ("alice", unknown)):
            for word in ("YES", "NO"):
                told = await say(core, f"{word} {code}", user)
                assert told == f"Nothing of yours waits under {code}. Nothing was allowed."
        assert await open_one(core) == approval
        await say(core, f"NO {approval.code}")
        await answer_of(core, message_id)


async def test_no_answer_is_a_no(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        core.approvals._expires_seconds = scaled(0.5)
        message_id, approval = await asking(core)
        assert "nobody answered in time" in await answer_of(core, message_id)
        assert await say(core, f"YES {approval.code}") == f"{approval.code} has expired. Nothing was allowed."


async def test_a_yes_for_minutes_counts_for_the_same_tool(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        first, approval = await asking(core)
        for tail in ("0", "121", "30 minutes", "-1", "open sesame"):
            assert "Nothing was allowed" in await say(core, f"YES {approval.code} {tail}")
        told = await say(core, f"YES {approval.code} 30")
        assert told == "Allowed, and Bash in site for 30 minutes: Bash git push"
        assert await answer_of(core, first) == "allowed: True"
        second = await core.intake.accept(text_message("deny git pull"))
        assert second.message_id is not None
        assert await answer_of(core, second.message_id) == "allowed: True"
        again = "Bash in site is asked about again. This call was let through before."
        assert await say(core, f"NO {approval.code}") == again
        third, other = await asking(core, "git pull")
        assert await say(core, f"NO {other.code}") == "Denied: Bash git pull"
        assert "the person said no" in await answer_of(core, third)


async def test_what_follows_a_code_is_not_kept(tmp_path: Path) -> None:
    async with Core(tmp_path) as core:
        command = parse("YES KXQPT open sesame")
        assert command is not None
        asker = Asker(user=core.directory.user("alice"), channel="sms", sender=PHONE)
        assert (await words_of(core).answer(command, asker)).shown == "YES KXQPT (the rest is not kept)"


async def test_a_high_risk_needs_another_way(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        core.approvals._high_risks = frozenset({Risk.SHELL})
        message_id, approval = await asking(core)
        assert "by another way than sms" in await say(core, f"YES {approval.code}")
        assert await open_one(core) == approval
        assert await say(core, f"YES {approval.code}", sender=MAIL) == "Allowed once: Bash git push"
        assert await answer_of(core, message_id) == "allowed: True"


async def test_a_process_that_dies_takes_its_question_along(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        _, approval = await asking(core)
        core.approvals.turn_ended(approval.session_id)
        await until(lambda: _is_closed(core), "it is withdrawn")
        told = await say(core, f"YES {approval.code}")
        assert told == f"{approval.code} counts no more: its turn is over. Nothing was allowed."


async def test_a_process_that_is_killed_while_it_asks_allows_nothing_to_its_next(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await asking(core)
        scripted(core).opened[-1].die("killed")
        await until(lambda: _is_closed(core), "it is withdrawn")
        assert await state_of(core, message_id) is TurnState.FAILED
        assert "counts no more" in await say(core, f"YES {approval.code}")
        _, other = await asking(core)
        assert other.code != approval.code
        assert "counts no more" in await say(core, f"YES {approval.code}")
        assert await open_one(core) == other
        await say(core, f"NO {other.code}")


async def test_of_several_questions_each_answer_is_for_its_own(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await core.intake.accept(text_message("claude: hold"))
        await until(scripted(core).held, "its turn runs")
        spec = scripted(core).opened[-1].spec
        calls = [ToolCall(tool_use_id=f"t{n}", name="Bash", input={"command": f"git push {n}"}) for n in range(3)]
        deciding = [asyncio.ensure_future(spec.decide(call)) for call in calls]

        async def all_asked() -> bool:
            return len(await core.store.approvals.open_now(now_ms=now_ms())) == len(calls)

        await until(all_asked, "all are asked about")
        codes = {found.summary: found.code for found in await core.store.approvals.open_now(now_ms=now_ms())}
        assert await say(core, f"YES {codes['Bash git push 2']}") == "Allowed once: Bash git push 2"
        assert await say(core, f"NO {codes['Bash git push 0']}") == "Denied: Bash git push 0"
        assert (await deciding[2]).allowed
        assert not (await deciding[0]).allowed
        assert not deciding[1].done()
        await say(core, f"YES {codes['Bash git push 1']}")
        assert (await deciding[1]).allowed
        scripted(core).release()


async def test_a_yes_to_a_file_is_none_to_what_a_link_in_its_place_leads_to(tmp_path: Path) -> None:
    projects = project(tmp_path, "site", permissions=Permissions.ASK)
    async with Core(tmp_path, connector=ScriptedConnector(), projects=projects) as core:
        await core.intake.accept(text_message("claude: hold"))
        await until(scripted(core).held, "its turn runs")
        spec = scripted(core).opened[-1].spec
        link = Path(spec.project_path, "notes")
        link.symlink_to("/etc/motd")
        deciding = asyncio.ensure_future(spec.decide(_write("t1")))
        await until(lambda: open_one(core), "the question is asked")
        (row,) = await core.store.outbox.due("sms", now_ms=now_ms(), limit=9)
        assert row.text.endswith(f"\nIn {spec.project_path}, leading to /etc/motd:\nWrite notes")
        link.unlink()
        link.symlink_to("/etc/passwd")
        await say(core, f"YES {await _code(core)}", sender=MAIL)
        assert (await deciding).reason.endswith("was not run: where it leads was changed since it was asked")
        again = asyncio.ensure_future(spec.decide(_write("t2")))
        await until(lambda: open_one(core), "it is asked about again")
        await say(core, f"YES {await _code(core)}", sender=MAIL)
        assert (await again).allowed
        scripted(core).release()


def _write(tool_use_id: str) -> ToolCall:
    return ToolCall(tool_use_id=tool_use_id, name="Write", input={"file_path": "notes"})


async def _code(core: Core) -> str:
    found = await open_one(core)
    assert found is not None
    return found.code


async def state_of(core: Core, message_id: MessageId) -> TurnState:
    """Return how a turn ended, once it has."""
    await until(core.all_answered, "it has ended")
    return (await result(core, message_id)).turn.state


async def _is_closed(core: Core) -> bool:
    return await open_one(core) is None


async def test_whoever_cannot_be_asked_is_not_waited_for(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        assert "needs a person's approval" in (await ask(core, "deny git push")).answer


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


async def test_a_long_command_says_how_much_is_left_out(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await asking(core, "git " + "x" * SHOWN_CHARACTERS)
        (row,) = await core.store.outbox.due("sms", now_ms=now_ms(), limit=9)
        assert "x... (9 characters more)" in row.text
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


async def test_the_hash_covers_the_call_the_folder_and_the_session(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        place = await session(core)
        call = ToolCall(tool_use_id="u1", name="Bash", input={"command": "ls"})
        others = [
            digest(replace(call, input={"command": "ls "}), place, ()),
            digest(replace(call, name="Write"), place, ()),
            digest(replace(call, tool_use_id="u2"), place, ()),
            digest(replace(call, agent_id="a"), place, ()),
            digest(call, replace(place, project_path="/elsewhere"), ()),
            digest(call, replace(place, id=type(place.id)("s2")), ()),
        ]
        assert len({digest(call, place, ()), *others}) == 7
        assert digest(replace(call, input={"command": "ls"}), place, ()) == digest(call, place, ())

        told = replace(call, tool_use_id="u2", input={"command": "ls", "description": "Look"})
        assert digest(told, place, (), again=True) == digest(call, place, (), again=True), (
            "in other words it does the same"
        )
        for again in (False, True):
            elsewhere = replace(call, folder=f"{place.project_path}/sub")
            assert digest(elsewhere, place, (), again=again) != digest(call, place, (), again=again)
            here = replace(call, folder=place.project_path)
            assert digest(here, place, (), again=again) == digest(call, place, (), again=again)
        timed = replace(call, input={"command": "ls", "timeout": 9})
        assert digest(timed, place, (), again=True) != digest(call, place, (), again=True)
        written = replace(call, name="Write", input={"description": "x"})
        assert digest(written, place, (), again=True) != digest(replace(written, input={}), place, (), again=True)
