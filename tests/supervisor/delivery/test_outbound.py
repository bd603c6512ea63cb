"""A stored reply as its channel gets it: with the name of its project before the text, and the footer below it."""

from __future__ import annotations

import pytest

from supervisor.delivery.outbound import outbound_of
from supervisor.protocol.messages import Address, MessageId, OutboxId
from supervisor.protocol.status import OutboxState
from supervisor.store.records.outbox import OutboxRow


def row(text: str, **meta: object) -> OutboxRow:
    return OutboxRow(
        id=OutboxId("r1"),
        state=OutboxState.SENDING,
        channel="sms",
        account="+15005550006",
        to=Address(kind="sms", value="+15550100"),
        text=text,
        meta=meta,
        attempts=2,
        not_before_ms=0,
        sending_ms=7,
        created_ms=0,
        provider_id=None,
        note="",
        user_id=None,
        message_id=MessageId("m1"),
    )


def test_a_reply_has_what_the_channel_needs_to_find_it_again() -> None:
    found = outbound_of(row("done"))
    assert (found.id, found.channel, found.account, found.text) == ("r1", "sms", "+15005550006", "done")
    assert (found.attempt, found.sending_since, found.message_id) == (2, 7, "m1")


def test_a_reply_with_a_prefix_names_its_project_and_its_footer_is_below() -> None:
    assert outbound_of(row("done", prefix="[site]")).text == "[site] done"
    assert outbound_of(row("done", footer="1 s")).text == "done\n\n1 s"


@pytest.mark.parametrize("text", ["## Done", "- one\n- two", "1. one", "```sh\nls\n```", "> so", "| a |\n|---|"])
def test_the_name_of_a_project_does_not_spoil_the_markdown_behind_it(text: str) -> None:
    assert outbound_of(row(text, prefix="[site]")).text == f"[site]\n\n{text}"
