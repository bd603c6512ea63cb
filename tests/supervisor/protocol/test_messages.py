"""Messages between channels and the core."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, is_dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.protocol import messages
from supervisor.protocol.messages import (
    Address,
    Delivery,
    Inbound,
    Outbound,
    OutboxId,
    Receipt,
    Reply,
    Sent,
    Trust,
    well_formed,
)

ADDRESS = Address(kind="sms", value="+15005550001")


def test_an_address_is_a_key_and_reads_as_channel_and_value() -> None:
    assert str(ADDRESS) == "sms:+15005550001"
    assert {ADDRESS: 1}[Address(kind="sms", value="+15005550001")] == 1
    assert Address(kind="mail", value="+15005550001") != ADDRESS


def test_a_message_is_trusted_by_its_channel_unless_that_says_otherwise() -> None:
    inbound = Inbound(channel="sms", account="+1", dedup_key="SM1", sender=ADDRESS, text="hi")
    assert inbound.trust is Trust.VERIFIED
    assert (inbound.subject, inbound.thread, inbound.reply, inbound.note) == ("", None, None, "")


def test_a_receipt_without_a_message_says_that_nothing_was_accepted() -> None:
    assert Receipt(message_id=None) == Receipt(message_id=None, duplicate=False)


def test_a_first_try_has_no_send_of_unknown_outcome() -> None:
    outbound = Outbound(id=OutboxId("o1"), channel="sms", account="+1", to=ADDRESS, text="hi")
    assert (outbound.attempt, outbound.sending_since, dict(outbound.meta)) == (1, None, {})


def test_a_price_that_is_not_known_yet_is_none_and_not_zero() -> None:
    assert Delivery(provider_id="SM1", state="sent").price_nanos is None
    assert Sent(provider_id="SM1").segments is None


@pytest.mark.parametrize("value", [ADDRESS, Reply(channel="sms", to=ADDRESS), Receipt(message_id=None)])
def test_a_value_cannot_be_changed(value: Address | Reply | Receipt) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(value, fields(value)[0].name, "other")


def test_every_value_is_frozen_and_carries_nothing_else() -> None:
    kinds = [kind for kind in vars(messages).values() if is_dataclass(kind)]
    assert len(kinds) >= 9
    assert all(kind.__dataclass_params__.frozen and hasattr(kind, "__slots__") for kind in kinds)  # type: ignore[union-attr]


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_text_that_every_store_keeps_stays_unchanged(text: str) -> None:
    assert well_formed(text) == text


@given(st.text(st.characters(min_codepoint=0xD7F0, max_codepoint=0xE010)))
def test_the_result_can_always_be_encoded(text: str) -> None:
    assert well_formed(text).encode().decode() == well_formed(text)


def test_a_lone_surrogate_is_replaced_and_a_pair_is_joined() -> None:
    assert well_formed("half \ud83d of it") == "half \ufffd of it"
    assert well_formed("\ud83d" + "\ude00") == "\U0001f600"


def test_nul_is_replaced() -> None:
    assert well_formed("a\0b") == "a\ufffdb"
