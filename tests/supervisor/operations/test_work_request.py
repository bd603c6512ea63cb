"""The request of a caller: every field of it reaches the submission."""

from __future__ import annotations

from supervisor.operations.work_request import DEDUP_SECONDS, WorkRequest
from supervisor.people.identity import Caller
from supervisor.protocol.messages import Address, UserId
from supervisor.protocol.queue import Mode
from supervisor.protocol.status import Role
from supervisor.store.records.accounts import User

ALICE = User(id=UserId("alice"), name="Alice", role=Role.ADMIN)
CALLER = Caller(name="billing", user_id=None)


def test_a_request_with_an_id_is_deduplicated_for_a_day() -> None:
    request = WorkRequest(caller=CALLER, channel="socket", external_id="order-1", digest="a")
    submission = request.submission(ALICE, "hello", context={"a": 1}, thread="t1", mode=Mode.STEER)
    assert (submission.dedup_key, submission.digest, submission.dedup_seconds) == ("order-1", "a", DEDUP_SECONDS)
    assert (submission.channel, submission.account) == ("socket", CALLER.account)
    assert submission.sender == Address(kind="socket", value="billing")
    assert (submission.context, submission.thread, submission.mode) == ({"a": 1}, "t1", Mode.STEER)


def test_services_are_not_rate_limited_and_send_no_command_words() -> None:
    submission = WorkRequest(caller=CALLER, channel="rest").submission(ALICE, "STATUS")
    assert (submission.limited, submission.commands, submission.dedup_key) == (False, False, None)


def test_a_text_that_no_store_keeps_is_stored_without_what_is_wrong() -> None:
    submission = WorkRequest(caller=CALLER, channel="rest").submission(ALICE, "a\0b \ud83d c")
    assert submission.text == "a\ufffdb \ufffd c"
