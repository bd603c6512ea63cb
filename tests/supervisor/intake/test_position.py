"""The position of a queued message: the notice to its sender and the event for subscribers."""

from __future__ import annotations

from supervisor.intake.position import QueuePosition
from supervisor.protocol.queue import FOR_ANSWER, FOR_TURN, Mode
from tests.supervisor.store.builders import prompt


def test_a_position_is_told_only_to_a_sender_with_a_reply_address() -> None:
    message = prompt(dedup_key="x1")
    position = QueuePosition(message.message_id, message.reply, Mode.COLLECT)
    (draft,) = position.notices(2)
    assert (position.ahead, position.event(message).ahead, position.event(message).external_id) == (2, 2, "x1")
    assert draft.text == (
        "Collected: your message is number 2 in the queue; messages that you send until then are answered with it."
    )
    untold = QueuePosition(message.message_id, None, Mode.FOLLOWUP)
    assert (untold.notices(1), untold.ahead) == ((), 1)


def test_what_a_message_waits_for_is_said_where_it_does_not_go_without_saying() -> None:
    message = prompt()
    position = QueuePosition(message.message_id, message.reply, Mode.FOLLOWUP, FOR_ANSWER)
    assert position.event(message).waits_for == "", "it is not queued"
    (draft,) = position.notices(1)
    assert draft.text == "Queued: your message is next in the queue. The running turn waits for a yes or no."
    assert position.event(message).waits_for == FOR_ANSWER
    plain = QueuePosition(message.message_id, message.reply, Mode.FOLLOWUP)
    (draft,) = plain.notices(1)
    assert draft.text == "Queued: your message is next in the queue."
    assert plain.event(message).waits_for == FOR_TURN
