"""What is added to a message on its way in."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.intake.submission import Submission
from supervisor.protocol.messages import Address, Reply, UserId
from supervisor.protocol.status import Role
from supervisor.store.records.accounts import User

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
    assert submission(name, note=note).signed_note == told


def test_meta_is_added_to_the_reply() -> None:
    reply = Reply(channel="sms", to=PHONE, meta={"a": 1})
    merged = submission(reply=reply).with_reply_meta({"b": 2}).reply
    assert merged is not None
    assert merged.meta == {"a": 1, "b": 2}
    alone = submission()
    assert alone.with_reply_meta({"b": 2}) is alone
