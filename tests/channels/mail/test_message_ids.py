"""Message-IDs of our answers."""

from __future__ import annotations

import pytest

from channels.mail.message_ids import message_id, reply_id
from supervisor.protocol.ids import uuid7


def test_a_message_id_leads_back_to_its_reply() -> None:
    made = uuid7()
    assert reply_id(message_id(made, "example.org"), "example.org") == made
    assert reply_id(message_id(made, "Example.ORG").upper(), "example.org") == made


@pytest.mark.parametrize(
    "found", ["", "<>", "<a@example.org>", "{}", "<{}@example.com>", "<{}@example.org.evil>", " <{}@example.org>"]
)
def test_what_is_no_message_id_of_ours_names_no_reply(found: str) -> None:
    assert reply_id(found.replace("{}", uuid7()), "example.org") is None
