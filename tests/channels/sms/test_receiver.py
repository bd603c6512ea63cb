"""Which text messages are accepted, and with which fields."""

from __future__ import annotations

import pytest

from channels.sms.receiver import STOP_WORDS, Receiver, TextMessage, to_e164, to_inbound
from supervisor.protocol.messages import SENTENCE, Address, Inbound, Reply, Trust
from tests.channels.sms.fixtures import OUR_NUMBER, PERSON, outbound, recording_host

SENDER = Address(kind="sms", value="+15551234567")


def text(**fields: object) -> TextMessage:
    values = {"sid": "SM1", "sender": "+15551234567", "to": "+15005550006", "body": "hello"} | fields
    return TextMessage(**values)  # type: ignore[arg-type]


def test_a_text_is_accepted_with_its_sid_as_key_and_a_reply_address() -> None:
    assert to_inbound(text()) == Inbound(
        channel="sms",
        account="+15005550006",
        dedup_key="SM1",
        sender=SENDER,
        trust=Trust.CLAIMED,
        text="hello",
        reply=Reply(channel="sms", to=SENDER, account="+15005550006"),
    )


@pytest.mark.parametrize(
    ("number", "normal"),
    [
        ("+15551234567", "+15551234567"),
        ("+1 (555) 123-4567", "+15551234567"),
        ("+4915112345678", "+4915112345678"),
        ("12345", None),
        ("ACMEBANK", None),
        ("whatsapp:+15551234567", None),
        ("client:me", None),
        ("+0123456789", None),
        ("+1555123456789012", None),
        ("+1555１２３4567", None),
        ("+15551234567\n", None),
        ("", None),
    ],
)
def test_only_numbers_of_people_are_senders(number: str, normal: str | None) -> None:
    assert to_e164(number) == normal
    inbound = to_inbound(text(sender=number))
    assert isinstance(inbound, Inbound) == (normal is not None)


@pytest.mark.parametrize("word", [*sorted(STOP_WORDS), "stop", " Stop\n"])
def test_opt_out_words_are_dropped(word: str) -> None:
    assert isinstance(to_inbound(text(body=word)), str)


@pytest.mark.parametrize("body", ["stop the build", "please cancel", "HELP", "the end"])
def test_opt_out_words_in_a_sentence_are_accepted(body: str) -> None:
    assert isinstance(to_inbound(text(body=body)), Inbound)


@pytest.mark.parametrize("kind", ["STOP", "START", "HELP"])
def test_a_text_that_twilio_answered_is_dropped(kind: str) -> None:
    assert isinstance(to_inbound(text(body="Hilfe", opt_out=kind)), str)


@pytest.mark.parametrize("body", ["", "  \n", "\x00\u202e"])
def test_an_empty_text_is_dropped(body: str) -> None:
    assert isinstance(to_inbound(text(body=body)), str)


@pytest.mark.parametrize(("count", "words"), [(1, "1 attachment "), (3, "3 attachments")])
def test_attachments_are_in_the_note(count: int, words: str) -> None:
    inbound = to_inbound(text(body="", media=count))
    assert isinstance(inbound, Inbound)
    assert words in inbound.note
    assert "left out" in inbound.note
    assert f"Your text message has no text, only {words}" in inbound.unreadable
    with_words = to_inbound(text(body="look", media=count))
    assert isinstance(with_words, Inbound)
    assert with_words.unreadable == ""


def test_a_text_without_sid_is_dropped() -> None:
    assert isinstance(to_inbound(text(sid="")), str)


def test_control_characters_are_removed() -> None:
    inbound = to_inbound(text(body="a\x00b\x1b[31mc\n\td"))
    assert isinstance(inbound, Inbound)
    assert inbound.text == "abc\n  d"


async def test_a_reaction_to_a_text_of_ours_is_dropped_and_named() -> None:
    host = recording_host()
    host.recent = [outbound("**Done.**", to=PERSON), outbound("No sessions.", meta={SENTENCE: True}, number=2)]
    receiver = Receiver(host)
    texts = ["Liked “Done.”", "👍 to “No sessions.”", "Liked “Run it?”", "What does “Done.” mean?"]
    for number, body in enumerate(texts):
        await receiver.receive(TextMessage(sid=f"SM{number}", sender=PERSON, to=OUR_NUMBER, body=body))
    await receiver.receive(TextMessage(sid="SM9", sender="+15557654321", to=OUR_NUMBER, body=texts[0]))
    assert [inbound.text for inbound in host.accepted] == [*texts[2:], texts[0]]
    reason = "it is a reaction to a text of ours"
    assert host.traces == [(PERSON, f"text SM0: {reason}"), (PERSON, f"text SM1: {reason}")]
