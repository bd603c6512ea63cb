"""What is added to a message on its way in, and what its sender learns of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from supervisor.intake.submission import QueuePlace, Submission, continued, signed, too_many
from supervisor.protocol.messages import Address, Reply, UserId
from supervisor.protocol.queueing import Mode
from supervisor.protocol.status import Role
from supervisor.store.records.accounts import User
from tests.supervisor.store.builders import prompt

PHONE = Address(kind="sms", value="+15550100")


def submission(name: str = "Alice", **fields: Any) -> Submission:
    user = User(id=UserId("alice"), name=name, role=Role.ADMIN)
    return Submission(user=user, channel="sms", account="+15550199", sender=PHONE, text="hello", **fields)


@pytest.mark.parametrize(
    ("name", "note", "told"),
    [
        ("Alice", "", "written by Alice"),
        ("", "", "written by alice"),
        ("Alice", "two pictures were left out", "written by Alice; two pictures were left out"),
    ],
)
def test_the_model_is_told_who_writes(name: str, note: str, told: str) -> None:
    assert signed(submission(name, note=note)) == told


def test_the_answers_own_meta_goes_with_the_reply() -> None:
    reply = Reply(channel="sms", to=PHONE, meta={"a": 1})
    merged = continued(submission(reply=reply), {"b": 2}).reply
    assert merged is not None
    assert merged.meta == {"a": 1, "b": 2}
    alone = submission()
    assert continued(alone, {"b": 2}) is alone


def test_a_place_is_told_by_the_way_of_the_reply_alone() -> None:
    place = QueuePlace(prompt(), Mode.COLLECT)
    (draft,) = place.notices(2)
    assert (place.ahead, place.event("x1").ahead, place.event("x1").external_id) == (2, 2, "x1")
    assert draft.text == "Collected: your message is number 2 in line; what you write until then is answered with it."
    untold = QueuePlace(replace(prompt(), reply=None), Mode.FOLLOWUP)
    assert (untold.notices(1), untold.ahead, untold.is_told) == ((), 1, False)


def test_a_limit_says_when_it_is_over() -> None:
    assert too_many(12.4).endswith("Send it again in 12 seconds")
