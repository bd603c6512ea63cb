"""Answers to questions: each is decided once, by whoever may, and with a second factor where one is needed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from supervisor.commands.dispatch import Asker
from supervisor.commands.reading.words import parse
from supervisor.config.tables import Approvals
from tests.fakes import ScriptedConnector
from tests.supervisor.approvals.questions import MAIL, PHONE, answer_of, asking, commands_of, open_one, say
from tests.supervisor.harness import Core
from tests.supervisor.helpers import text_message


async def notes_of(core: Core) -> list[tuple[str, str | None]]:
    """Return what was decided, and why, as the audit trail knows it."""
    assert await core.store.audit.verify() is None
    found = await core.store.audit.entries(after=0, limit=999)
    decided = ("approval.allowed", "approval.denied")
    return [(entry.actor, entry.detail.get("note")) for entry in found if entry.event in decided]


async def test_a_no_denies_it_and_no_yes_comes_after(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await asking(core)
        assert await say(core, f"NO {approval.code}") == "Denied: Bash git push"
        assert (await answer_of(core, message_id)).startswith("allowed: False")
        assert await say(core, f"YES {approval.code}") == f"{approval.code} was denied before. Nothing was allowed."


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
        await core.approval_resolver.resolve(approval, allow=False, by="bob", channel="socket", note=note)
        answer = await answer_of(core, message_id)
        assert answer.startswith("allowed: False")
        assert answer.endswith(f"Not done:\n- Bash git push was not run: {told}")
        assert await notes_of(core) == [("bob", kept)]


async def test_why_it_was_allowed_is_kept_and_no_reason_of_a_later_no(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await asking(core)
        await core.approval_resolver.resolve(approval, allow=True, by="bob", channel="socket", note="looks fine")
        assert await answer_of(core, message_id) == "allowed: True"
        message_id, approval = await asking(core)
        both = (
            core.approval_resolver.resolve(approval, allow=True, by="bob", channel="socket", note="looks fine"),
            core.approval_resolver.resolve(approval, allow=False, by="carol", channel="socket"),
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


@pytest.mark.parametrize(
    "text",
    [
        *(
            "YES",
            "no",
            "ok",
            "ok {code}",
            "y {code}",
            "Yes, {code}!",
            "yes please",
            "Go ahead!",
            "ja bitte",
            "oui",
            "👍🏽",
        ),
        *("*YES {code}*", "YES [{code}] correct horse", "{code}", "what does {code} do?", "YES{code}", "yes kxq7"),
    ],
)
async def test_a_yes_in_another_form_is_told_the_form_and_is_no_prompt(text: str, tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector(), assistant=ScriptedConnector()) as core:
        message_id, approval = await asking(core)
        receipt = await core.intake.accept(text_message(text.format(code=approval.code)))
        assert receipt.message_id is not None
        assert await answer_of(core, receipt.message_id) == (
            f"Write YES {approval.code} or NO {approval.code}. Nothing was allowed."
        )
        await say(core, f"NO {approval.code}")
        assert (await answer_of(core, message_id)).startswith("allowed: False")
        receipt = await core.intake.accept(text_message(text.format(code="BCDFG")))
        assert receipt.message_id is not None
        assert "Nothing was allowed" not in await answer_of(core, receipt.message_id), "nothing waits: a message"


async def told_to(core: Core, text: str) -> str:
    """Return what alice is told to a text message."""
    receipt = await core.intake.accept(text_message(text))
    assert receipt.message_id is not None
    return await answer_of(core, receipt.message_id)


@pytest.mark.parametrize("text", ["NO {code}, use the other file", "no {code} please", "Nein [{code}]", "NO{code}"])
async def test_a_no_with_its_code_denies_whatever_stands_beside_it(text: str, tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await asking(core)
        told = await told_to(core, text.format(code=approval.code))
        assert told.startswith("Denied: ")
        assert told.endswith("What stands beside the code was not read: send that in a message of its own.")
        assert (await answer_of(core, message_id)).startswith("allowed: False")


async def test_a_passphrase_beside_a_code_in_another_form_is_kept_nowhere(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector(), assistant=ScriptedConnector()) as core:
        message_id, approval = await asking(core)
        assert "Nothing was allowed" in await told_to(core, f"Yes to [{approval.code}] correct horse battery")
        await say(core, f"NO {approval.code}")
        assert "Nothing was allowed" in await told_to(core, f"(YES {approval.code}) correct horse battery")
        await answer_of(core, message_id)
        await core.store.close()
        assert all(b"horse" not in path.read_bytes() for path in tmp_path.glob("xswarm.db*"))


async def test_a_code_that_is_not_ones_own_says_nothing_of_it(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await asking(core)
        unknown = "BBBBB" if approval.code != "BBBBB" else "CCCCC"
        for user, code in (("bob", approval.code), ("bob", unknown), ("alice", unknown)):
            for word in ("YES", "NO"):
                told = await say(core, f"{word} {code}", user)
                assert told == f"No question for you has the code {code}. Nothing was allowed."
        assert await open_one(core) == approval
        await say(core, f"NO {approval.code}")
        await answer_of(core, message_id)


async def test_a_yes_for_minutes_counts_for_the_same_tool(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        first, approval = await asking(core)
        for tail in ("0", "121"):
            assert "Nothing was allowed" in await say(core, f"YES {approval.code} {tail}")
        told = await say(core, f"YES {approval.code} 30")
        assert told == "Allowed, and Bash in site for 30 minutes: Bash git push"
        assert await answer_of(core, first) == "allowed: True"
        second = await core.intake.accept(text_message("deny git pull"))
        assert second.message_id is not None
        assert await answer_of(core, second.message_id) == "allowed: True"
        again = "Bash in site is asked about again. This call had been allowed before."
        assert await say(core, f"NO {approval.code}") == again
        third, other = await asking(core, "git pull")
        assert await say(core, f"NO {other.code}") == "Denied: Bash git pull"
        assert "the person said no" in await answer_of(core, third)


async def test_what_follows_a_code_is_not_kept(tmp_path: Path) -> None:
    async with Core(tmp_path) as core:
        command = parse("YES KXQPT open sesame")
        assert command is not None
        asker = Asker(user=core.directory.user("alice"), channel="sms", sender=PHONE)
        told = await commands_of(core).answer(command, asker)
        assert told is not None
        assert told.shown == "YES KXQPT (the rest is not kept)"


async def test_a_high_risk_needs_another_way(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector(), approvals=Approvals(high_risk=("shell",))) as core:
        message_id, approval = await asking(core)
        assert "by another way than sms" in await say(core, f"YES {approval.code}")
        assert await open_one(core) == approval
        assert await say(core, f"YES {approval.code}", sender=MAIL) == "Allowed once: Bash git push"
        assert await answer_of(core, message_id) == "allowed: True"
