"""What this process was told of messages and replies."""

from __future__ import annotations

from channels.sms.assignments import Assignments
from supervisor.protocol.messages import OutboxId


def test_a_message_and_its_reply_find_each_other() -> None:
    assignments = Assignments()
    assignments.assign("SM1", OutboxId("reply"))
    assert assignments.may_carry("SM1", OutboxId("reply"))
    assert not assignments.may_carry("SM1", OutboxId("another"))
    assert assignments.may_carry("SM2", OutboxId("another"))
    assert assignments.sid_of(OutboxId("reply")) == "SM1"
    assert assignments.sid_of(OutboxId("another")) is None
