"""Questions that a test asks, and answers to them by text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from supervisor.commands.approve import ApproveCommands
from supervisor.commands.dispatch import Asker
from supervisor.commands.held import HeldMessages
from supervisor.commands.reading.words import parse
from supervisor.people.passphrases import Passphrases
from supervisor.protocol.messages import Address, MessageId
from supervisor.protocol.status import TurnState
from supervisor.protocol.times import now_ms
from supervisor.store.ports.approvals import Approval
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import ALICE_MAIL, ALICE_PHONE, Core
from tests.supervisor.helpers import result, scripted, text_message
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


def commands_of(core: Core) -> ApproveCommands:
    """Return what carries YES and NO out."""
    return ApproveCommands(
        core.store.approvals,
        core.approvers,
        core.approval_resolver,
        Passphrases(core.store.passphrases),
        HeldMessages(core.store.codes, core.store.turns),
    )


async def say(core: Core, text: str, user: str = "alice", sender: Address = PHONE) -> str:
    """Return what a user is told to a command word."""
    command = parse(text)
    assert command is not None, "it is an ordinary message"
    asker = Asker(user=core.directory.user(user), channel=sender.kind, sender=sender)
    told = await commands_of(core).answer(command, asker)
    assert told is not None
    return told.text


async def answer_of(core: Core, message_id: MessageId) -> str:
    """Return a turn's answer, once it has ended."""

    async def ended() -> bool:
        return (await result(core, message_id)).turn.state is TurnState.COMPLETED

    await until(ended, "the turn ends")
    return (await result(core, message_id)).answer


async def stored(core: Core, approval: Approval) -> Approval:
    """Return a question as it is stored now."""
    found = await core.store.approvals.find(approval.id)
    assert found is not None
    return found


def expire(core: Core) -> None:
    """Let an hour pass for the open questions, which is longer than people have for an answer."""
    core.approvals._clock = lambda: now_ms() + 3_600_000
    for question in core.approvals.pending.all():
        question._woken.set()


@asynccontextmanager
async def killed(folder: Path, command: str = "git push", **settings: Any) -> AsyncIterator[tuple[Core, Approval]]:
    """Yield a core after a kill in the midst of an open question, and that question."""
    async with Core(folder, connector=ScriptedConnector(), **settings) as before:
        _, approval = await asking(before, command)
        await has_started(before)
        async with Core(folder, connector=ScriptedConnector(), **settings) as after:
            scripted(after).repeated = command  # the model makes the same call when it is told to
            yield after, approval
            let_go(after)
        let_go(before)


async def answers(core: Core) -> list[str]:
    """Return the answers of the turns of Claude Code, oldest first."""
    rows = await core.store._database.read(
        lambda connection: connection.execute(
            "SELECT message FROM claude_code_messages WHERE direction = 'from_claude' ORDER BY seq"
        ).fetchall()
    )
    return [text for (text,) in rows]


async def has_run(core: Core, approval: Approval) -> bool:
    """Return whether the call of a question has run, and its turn was answered."""
    return (await stored(core, approval)).consumed and (await answers(core))[-1] == "allowed: True"


async def open_now(core: Core) -> Approval:
    """Return the open question."""
    found = await open_one(core)
    assert found is not None
    return found


def let_go(core: Core) -> None:
    """End the waits of a scripted conversation, which hold up its prompt, as the end of a real one's process does."""
    core.approvals.stopping = True
    for question in core.approvals.pending.all():
        question.answer()


async def has_started(core: Core) -> None:
    """Record that a tool of the running turn has started, so that a restart interrupts the turn."""
    (running,) = core.turns.running_turns()
    await core.store.turns.record_event(running.turn.id, "tool_started", {"id": "t", "summary": "Bash"}, now_ms=1)
