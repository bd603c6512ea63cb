"""A message is steered into a turn that runs on another node."""

from __future__ import annotations

import pytest

from supervisor.intake.submission import Taken
from supervisor.protocol.messages import SessionId
from supervisor.protocol.queue import FOR_TURN, Mode
from supervisor.protocol.status import TurnState
from tests.supervisor.harness import Core
from tests.supervisor.helpers import asked, send, state
from tests.supervisor.turns.test_steering import conversation
from tests.waiting import until

pytestmark = pytest.mark.postgres


async def steer(core: Core, text: str) -> Taken:
    """Send a prompt into the running turn of the session."""
    messages = core.operations.messages
    taken = await messages.send(asked(core), SessionId("s1"), text, None, Mode.STEER)
    messages.start(taken)
    return taken


async def test_a_message_is_steered_into_the_turn_of_another_node(cores: tuple[Core, Core]) -> None:
    one, two = cores
    first = await send(one, "hold on")
    await until(lambda: conversation(one).held, "it works")
    second = await steer(two, "and more")
    assert second.joined
    assert [prompt.text for prompt in conversation(one).taken] == ["and more"]
    await conversation(one).end("both")
    for taken in (first, second):
        assert (await two.operations.messages.end_of(taken.accepted.message_id)).answer


async def test_a_message_that_cannot_be_steered_over_the_link_waits_for_its_own_turn(cores: tuple[Core, Core]) -> None:
    one, two = cores
    await send(one, "hold on")
    await until(lambda: conversation(one).held, "it works")
    await two.links.aclose()
    second = await steer(two, "and more")
    assert (second.joined, second.ahead, second.waits_for) == (False, 1, FOR_TURN)
    assert await state(two, second) is TurnState.PENDING
    conversation(one).release()
    assert (await two.operations.messages.end_of(second.accepted.message_id)).answer == "and more"
