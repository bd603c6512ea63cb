"""Prompts are sent in order; those of a script one at a time."""

from __future__ import annotations

from cli.terminal.prompts import Prompts
from supervisor.protocol.queue import Mode


def test_prompts_of_a_person_are_sent_at_once_and_may_name_their_mode() -> None:
    prompts = Prompts(interactive=True)
    prompts.add("one")
    prompts.add("steer: two")
    first, second = prompts.next(), prompts.next()
    assert first is not None
    assert second is not None
    assert (first.text, first.mode) == ("one", None)
    assert (second.text, second.mode) == ("two", Mode.STEER)
    assert prompts.next() is None
    assert prompts.unanswered == [first, second]


def test_a_prompt_of_a_script_waits_for_the_answer_to_the_one_before() -> None:
    prompts = Prompts(interactive=False)
    prompts.add("steer: one")
    prompts.add("two")
    first = prompts.next()
    assert first is not None
    assert (first.text, first.mode) == ("steer: one", None)
    assert prompts.next() is None
    assert (prompts.unsent, prompts.is_unanswered(first.external_id)) == (1, True)
    prompts.answered(first.external_id)
    second = prompts.next()
    assert second is not None
    assert (second.text, prompts.unsent) == ("two", 0)


def test_an_empty_line_is_no_prompt() -> None:
    prompts = Prompts(interactive=True)
    prompts.add("  ")
    assert (prompts.unsent, prompts.next()) == (0, None)
