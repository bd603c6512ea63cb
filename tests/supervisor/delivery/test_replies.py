"""What replies about a message quote and say, and which ids they have."""

from __future__ import annotations

import uuid

import pytest

from supervisor.commands import resume
from supervisor.delivery import replies
from supervisor.protocol.messages import MessageId
from tests.supervisor.turn_records import turn

M1 = MessageId("m1")


@pytest.mark.parametrize("text", ["fix it", "fix " * 40])
def test_of_work_that_goes_on_the_message_that_began_it_is_quoted(text: str) -> None:
    quoted = replies.quote(text)
    for _ in range(2):
        assert replies.quote(resume.GO_ON.format(quoted=quoted)) == quoted


def test_a_dropped_turn_is_reported_if_it_has_a_reply_address() -> None:
    notices = replies.dropped("the session was closed")
    assert notices(turn(reply=None)) == ()
    (draft,) = notices(turn())
    assert draft.text == 'Your message "fix it" was not worked on: the session was closed.'


def test_a_turn_that_is_concluded_twice_has_one_reply() -> None:
    assert replies.reply_id(M1) == replies.reply_id(M1)
    assert len({replies.reply_id(M1), replies.reply_id(M1, 1), replies.reply_id(MessageId("m2"))}) == 3
    assert uuid.UUID(replies.reply_id(M1)).version == 5
