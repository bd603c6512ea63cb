"""The map of replies and message SIDs."""

from __future__ import annotations

from channels.sms.reply_sids import ReplySids
from supervisor.protocol.messages import OutboxId


def test_a_message_and_its_reply_find_each_other() -> None:
    reply_sids = ReplySids()
    reply_sids.assign("SM1", OutboxId("reply"))
    assert reply_sids.may_carry("SM1", OutboxId("reply"))
    assert not reply_sids.may_carry("SM1", OutboxId("another"))
    assert reply_sids.may_carry("SM2", OutboxId("another"))
    assert reply_sids.sid_of(OutboxId("reply")) == "SM1"
    assert reply_sids.sid_of(OutboxId("another")) is None


def test_a_report_corrects_a_guess() -> None:
    reply_sids = ReplySids()
    reply_sids.assign("SM2", OutboxId("first"), is_guess=True)  # a search took the message of the second reply
    reply_sids.assign("SM1", OutboxId("first"))
    assert reply_sids.sid_of(OutboxId("first")) == "SM1"
    assert reply_sids.may_carry("SM2", OutboxId("second"))


def test_a_report_takes_a_message_from_the_reply_that_was_guessed() -> None:
    reply_sids = ReplySids()
    reply_sids.assign("SM2", OutboxId("first"), is_guess=True)
    reply_sids.assign("SM2", OutboxId("second"))
    assert reply_sids.sid_of(OutboxId("first")) is None
    assert not reply_sids.may_carry("SM2", OutboxId("first"))


def test_both_messages_of_a_reply_that_was_sent_twice_stay_its_own() -> None:
    reply_sids = ReplySids()
    reply_sids.assign("SM2", OutboxId("first"))
    reply_sids.assign("SM1", OutboxId("first"))  # the report of the first attempt comes late
    assert not reply_sids.may_carry("SM2", OutboxId("second"))
    assert not reply_sids.may_carry("SM1", OutboxId("second"))
