"""The prompt of a turn: its texts, notes and idempotency key."""

from __future__ import annotations

import uuid

from supervisor.protocol.messages import MessageId
from supervisor.turns.prompts import AGAIN, key_of, prompt_of
from tests.supervisor.turn_records import turn

A_UUID = MessageId("0198a5f0-0000-7000-8000-000000000001")


def test_a_prompt_is_the_text_under_the_message_id() -> None:
    prompt = prompt_of(turn(context={"branch": "main"}))
    assert (prompt.message_id, prompt.key, prompt.text) == (MessageId("m1"), MessageId("m1"), "fix it")
    assert prompt.context == {"branch": "main"}


def test_each_text_is_followed_by_its_own_note() -> None:
    gathered = turn(message_id=MessageId("m2"), text="and test it", note="from bob")
    prompt = prompt_of(turn(note="from ada", gathered=(gathered,)))
    assert prompt.text == "fix it\n\n(from ada)\n\nand test it\n\n(from bob)"
    assert prompt_of(turn(gathered=(turn(text="and test it"),))).text == "fix it\n\nand test it"


def test_a_renamed_prompt_has_a_note_and_a_key_of_its_own() -> None:
    prompts = [prompt_of(turn(message_id=A_UUID, renamed=number)) for number in (0, 1, 2, 2)]
    assert [AGAIN in prompt.text for prompt in prompts] == [False, True, True, True]
    keys = [prompt.key for prompt in prompts]
    assert keys[0] == A_UUID
    assert len(set(keys)) == 3
    assert keys[2] == keys[3] == key_of(turn(message_id=A_UUID, renamed=2)), "a repetition has the same key"
    assert all(uuid.UUID(key) for key in keys)
    assert {prompt.message_id for prompt in prompts} == {A_UUID}
