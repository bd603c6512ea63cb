"""The place of a queued message: the notice to its sender and the event for subscribers."""

from __future__ import annotations

from dataclasses import replace

from supervisor.intake.place import QueuePlace
from supervisor.protocol.queue import Mode
from tests.supervisor.store.builders import prompt


def test_a_place_is_told_only_to_a_sender_with_a_reply_address() -> None:
    place = QueuePlace(prompt(), Mode.COLLECT)
    (draft,) = place.notices(2)
    assert (place.ahead, place.event("x1").ahead, place.event("x1").external_id) == (2, 2, "x1")
    assert draft.text == (
        "Collected: your message is number 2 in the queue; messages that you send until then are answered with it."
    )
    untold = QueuePlace(replace(prompt(), reply=None), Mode.FOLLOWUP)
    assert (untold.notices(1), untold.ahead, untold.is_told) == ((), 1, False)
