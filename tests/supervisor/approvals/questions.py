"""Questions that a test asks, and answers to them by text."""

from __future__ import annotations

from supervisor.commands.approve import ApproveCommands
from supervisor.commands.dispatch import Asker
from supervisor.commands.held import HeldMessages
from supervisor.commands.resume import ResumeCommands
from supervisor.commands.words import parse
from supervisor.people.passphrases import Passphrases
from supervisor.protocol.messages import Address, MessageId
from supervisor.protocol.status import TurnState
from supervisor.protocol.times import now_ms
from supervisor.store.ports.approvals import Approval
from tests.supervisor.harness import ALICE_MAIL, ALICE_PHONE, Core
from tests.supervisor.helpers import result, text_message
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
        ResumeCommands(core.store),
        HeldMessages(core.store.codes, core.store.turns),
    )


async def say(core: Core, text: str, user: str = "alice", sender: Address = PHONE) -> str:
    """Return what a user is told to a command word."""
    command = parse(text)
    assert command is not None, "it is an ordinary message"
    asker = Asker(user=core.directory.user(user), channel=sender.kind, sender=sender)
    return (await commands_of(core).answer(command, asker)).text


async def answer_of(core: Core, message_id: MessageId) -> str:
    """Return a turn's answer, once it has ended."""

    async def ended() -> bool:
        return (await result(core, message_id)).turn.state is TurnState.COMPLETED

    await until(ended, "the turn ends")
    return (await result(core, message_id)).answer
