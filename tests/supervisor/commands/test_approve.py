"""YES and NO by text: only the exact forms count, and a forgeable way alone allows nothing of high risk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from supervisor.commands.reading.words import Word, parse
from supervisor.config import ProjectConfig
from supervisor.people.passphrases import Passphrases
from supervisor.protocol.messages import MessageId, UserId
from supervisor.protocol.status import Permissions, TurnState
from supervisor.protocol.times import now_ms
from supervisor.store.ports.approvals import Approval
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import ALICE_MAIL, Core
from tests.supervisor.helpers import ask, connect, result, text_message
from tests.waiting import until

SENTENCES = (
    """
yes|ok|Yes!|yes, do it|no|No thanks|sure|go ahead|approve|👍|y|n
ok KXQPT|yes KXQPT please do|please YES KXQPT|YES  KXQPT?|"YES KXQPT"|(YES KXQPT)|YES-KXQPT|YES: KXQPT|YESKXQPT
no, that's not ok KXQPT|that is ok, KXQPT|KXQPT|KXQPT YES|I said yes to KXQPT|did I say YES KXQPT|NO KXQPT, wait
yes kxqp|YES KXQPTT|YES KXQAT|YES or NO KXQPT|> YES KXQPT|Yes. KXQPT|allow KXQPT|y KXQPT|not YES KXQPT
""".replace("\n", "|")
    .strip("|")
    .split("|")
)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_no_other_sentence_is_a_plain_yes(sentence: str) -> None:
    command = parse(sentence)
    # A yes with a tail is a command so that a passphrase reaches no model; its tail must then be one, or minutes.
    assert command is None or (command.word is Word.YES and command.rest)


def test_there_are_thirty_sentences() -> None:
    assert len(set(SENTENCES)) >= 30


@pytest.mark.parametrize("text", ["YES KXQPT", "yes kxqpt", " Yes  Kxqpt. ", "\nyes KXQPT\n"])
def test_the_exact_form_is_a_yes_in_any_case(text: str) -> None:
    command = parse(text)
    assert command is not None
    assert (command.word, command.code, command.rest) == (Word.YES, "KXQPT", "")


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    """A core in which alice, who writes by text and mail, may use a project that allows everything."""
    (tmp_path / "wild").mkdir()
    wild = ProjectConfig(path=str(tmp_path / "wild"), users=("alice", "bob"), permissions=Permissions.FULL)
    async with Core(tmp_path, connector=ScriptedConnector(), projects={"wild": wild}) as core:
        yield core


async def open_one(core: Core) -> Approval | None:
    found = await core.store.approvals.open_now(now_ms=now_ms())
    return found[0] if found else None


async def asking(core: Core, text: str = "@wild shell a.txt boo") -> tuple[MessageId, Approval]:
    """Text a prompt that leads to a question; return both."""
    receipt = await core.intake.accept(text_message(text))
    assert receipt.message_id is not None
    await until(lambda: open_one(core), "the question is asked")
    approval = await open_one(core)
    assert approval is not None
    return receipt.message_id, approval


async def told(core: Core, text: str, **more: str) -> str:
    receipt = await core.intake.accept(text_message(text, **more))
    return (await result(core, receipt.message_id)).turn.reason


async def over(core: Core, message_id: MessageId) -> bool:
    return (await result(core, message_id)).turn.state is TurnState.COMPLETED


async def test_a_shell_in_a_full_project_is_asked_about_where_the_sender_may_be_forged(core: Core) -> None:
    message_id, approval = await asking(core)
    (row,) = await core.store.outbox.due("sms", now_ms=now_ms(), limit=9)
    assert "A yes by this way needs your passphrase behind the code" in row.text
    assert "by another way than sms" in await told(core, f"YES {approval.code}")
    assert "you have no passphrase" in await told(core, f"YES {approval.code} correct horse battery")
    assert not (core.folder / "wild" / "a.txt").exists()
    assert await told(core, f"YES {approval.code}", phone=ALICE_MAIL, channel="mail") == "Allowed once: " + (
        approval.summary
    )
    await until(lambda: over(core, message_id), "it has run")
    assert (core.folder / "wild" / "a.txt").exists()


async def test_a_passphrase_is_a_second_factor_and_is_kept_nowhere(core: Core) -> None:
    await Passphrases(core.store.passphrases).set(UserId("alice"), "correct horse battery")
    message_id, approval = await asking(core)
    assert "not your passphrase" in await told(core, f"YES {approval.code} wrong horse battery")
    assert (await told(core, f"yes {approval.code} Correct horse battery")).startswith("Allowed once")
    await until(lambda: over(core, message_id), "it has run")
    await core.store.close()
    for path in core.folder.glob("xswarm.db*"):
        assert b"horse" not in path.read_bytes()


@pytest.mark.parametrize(("passphrase", "minutes"), [("correct horse battery", 30), ("30 correct horse battery", 0)])
async def test_minutes_may_stand_before_a_passphrase(core: Core, passphrase: str, minutes: int) -> None:
    await Passphrases(core.store.passphrases).set(UserId("alice"), passphrase)
    message_id, approval = await asking(core)
    said = await told(core, f"YES {approval.code} 30 correct horse battery")
    assert said.startswith("Allowed, and Bash in wild for 30 minutes: " if minutes else "Allowed once: ")
    await until(lambda: over(core, message_id), "it has ended")


async def test_the_same_call_by_a_socket_runs_as_the_project_says(core: Core) -> None:
    await connect(core, path=core.folder / "wild")
    assert (await ask(core, "shell a.txt boo")).answer == "written"


async def test_a_no_needs_no_proof(core: Core) -> None:
    message_id, approval = await asking(core)
    assert (await told(core, f"NO {approval.code}")).startswith("Denied: ")
    await until(lambda: over(core, message_id), "it has ended")
    assert "the person said no" in (await result(core, message_id)).answer
    assert not (core.folder / "wild" / "a.txt").exists()


@pytest.fixture
async def careful(tmp_path: Path) -> AsyncIterator[Core]:
    """A core with a project in which a shell command is asked about, and any channel may answer."""
    (tmp_path / "site2").mkdir()
    site = ProjectConfig(path=str(tmp_path / "site2"), users=("alice",), permissions=Permissions.EDIT)
    async with Core(tmp_path, connector=ScriptedConnector(), projects={"site2": site}) as core:
        yield core


@pytest.mark.parametrize(
    ("tail", "answer"),
    [
        (" correct horse", "Allowed once: Bash boo > a.txt. What stands behind the code was not needed."),
        ("\n\nThanks,\nAda", "Allowed once: Bash boo > a.txt"),
        (
            "\n\nPlease also update the docs.",
            "Allowed once: Bash boo > a.txt. What stands below it was not read: send that in a message of its own.",
        ),
    ],
)
async def test_a_yes_counts_with_what_does_no_harm(careful: Core, tail: str, answer: str) -> None:
    message_id, approval = await asking(careful, "@site2 shell a.txt boo")
    said = await told(careful, f"YES {approval.code}{tail}")
    assert said.split(":")[0] == answer.split(":")[0]
    assert said.endswith(answer.split(". ", 1)[-1] if ". " in answer else "")
    await until(lambda: over(careful, message_id), "it has ended")
    assert (await result(careful, message_id)).answer == "written"


@pytest.mark.parametrize(
    "tail", ["\n\nno wait", " no wait", " 0", " -1", " +5", " 1.5", " 30m", "\n\nIs it safe?", "\nbekle"]
)
async def test_a_yes_that_may_be_taken_back_allows_nothing(careful: Core, tail: str) -> None:
    _, approval = await asking(careful, "@site2 shell a.txt boo")
    said = await told(careful, f"YES {approval.code}{tail}")
    assert said.startswith(f"Nothing was allowed, because you wrote more than YES {approval.code}. ")
    assert await open_one(careful) is not None
    assert (await told(careful, f"NO {approval.code}\n\nnot like this")).endswith(
        "What stands below it was not read: send that in a message of its own."
    )
    assert await open_one(careful) is None
