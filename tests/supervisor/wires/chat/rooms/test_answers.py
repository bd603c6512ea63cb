"""The order of answers: one end per message, as the last of its answer, and nothing of an older answer after it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from supervisor.wires.chat.frames import Complete, End, Error, Interrupted, ServerFrame, Token, ToolCall
from supervisor.wires.chat.rooms.answers import REMEMBERED, Answers


def complete(*ids: str) -> Complete:
    return Complete(usage={}, cost_usd=0.0, message_ids=ids)


def token(text: str) -> Token:
    return Token(content=text)


def stopped(message_id: str) -> Interrupted:
    return Interrupted(message="stopped", partial_response=True, message_id=message_id)


def failed(message_id: str) -> Error:
    return Error(message="broken", code="turn_failed", message_id=message_id)


def test_an_answer_goes_out_as_it_comes() -> None:
    answers = Answers()
    answers.accepted("m1")
    assert answers.produced("m1", token("a")) == [token("a")]
    assert answers.current == "m1"
    assert answers.spoke("m1")
    assert answers.ended("m1", complete("m1")) == [complete("m1")]
    assert not answers.running
    assert answers.has_ended("m1")


def test_nothing_comes_after_the_end() -> None:
    answers = Answers()
    answers.accepted("m1")
    answers.ended("m1", stopped("m1"))
    assert answers.produced("m1", token("late")) == []
    assert answers.ended("m1", complete("m1")) == []
    answers.accepted("m1")
    assert not answers.running


def test_a_message_that_nobody_accepted_says_nothing() -> None:
    answers = Answers()
    assert answers.produced("m1", token("a")) == []
    assert answers.ended("m1", complete("m1")) == []


def test_a_tool_call_is_no_text() -> None:
    answers = Answers()
    answers.accepted("m1")
    answers.produced("m1", ToolCall(name="t", input={}, id="1"))
    assert not answers.spoke("m1")


def test_the_next_answer_waits_for_the_end_of_the_one_before() -> None:
    answers = Answers()
    for message_id in ("m1", "m2"):
        answers.accepted(message_id)
    answers.produced("m1", token("a"))
    assert answers.produced("m2", token("b")) == []
    assert answers.produced("m1", token("c")) == [token("c")]
    assert answers.ended("m1", complete("m1")) == [complete("m1"), token("b")]
    assert answers.current == "m2"
    assert answers.produced("m2", token("d")) == [token("d")]


def test_an_end_that_comes_early_waits_too() -> None:
    answers = Answers()
    for message_id in ("m1", "m2", "m3"):
        answers.accepted(message_id)
    answers.produced("m1", token("a"))
    answers.produced("m3", token("c"))
    assert answers.ended("m2", failed("m2")) == []
    assert answers.ended("m1", complete("m1")) == [complete("m1"), failed("m2"), token("c")]


def test_a_waiting_message_may_end_without_an_answer() -> None:
    answers = Answers()
    for message_id in ("m1", "m2"):
        answers.accepted(message_id)
    assert answers.ended("m2", failed("m2")) == [failed("m2")]
    assert answers.produced("m1", token("a")) == [token("a")]


def test_an_answer_covers_the_messages_that_joined_it() -> None:
    answers = Answers()
    for message_id in ("m1", "m2", "m3"):
        answers.accepted(message_id)
    answers.produced("m1", token("a"))
    answers.produced("m2", token("lost"))
    assert answers.ended("m1", complete("m1", "m2"), ["m2"]) == [complete("m1", "m2")]
    assert answers.ended("m2", complete("m2")) == []
    assert answers.running
    assert answers.is_open("m3")


def test_a_joined_message_that_speaks_ends_with_the_answer_that_covers_it() -> None:
    answers = Answers()
    for message_id in ("m1", "m2"):
        answers.accepted(message_id)
    answers.produced("m2", token("b"))
    answers.produced("m1", token("a"))
    assert answers.ended("m1", complete("m1", "m2"), ["m2"]) == [token("a"), complete("m1", "m2")]
    assert not answers.running


def test_only_so_many_ended_messages_are_remembered() -> None:
    answers = Answers()
    for number in range(REMEMBERED + 10):
        answers.accepted(str(number))
        answers.ended(str(number), complete(str(number)))
    assert not answers.has_ended("0")
    assert answers.has_ended(str(REMEMBERED + 9))


class Conversations(RuleBasedStateMachine):
    """Messages, tokens, ends, interrupts and repetitions in every order, against the rules of the protocol."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = Answers()
        self.accepted: list[str] = []
        self.said: dict[str, list[str]] = {}
        self.over: set[str] = set()
        self.covered: set[str] = set()
        self.out: list[ServerFrame] = []

    def take(self, frames: list[ServerFrame]) -> None:
        self.out += frames

    @rule()
    def accept(self) -> None:
        message_id = f"m{len(self.accepted)}"
        self.accepted.append(message_id)
        self.said[message_id] = []
        self.answers.accepted(message_id)

    @precondition(lambda self: self.accepted)
    @rule(data=st.data())
    def accept_again(self, data: st.DataObject) -> None:
        self.answers.accepted(data.draw(st.sampled_from(self.accepted)))

    @precondition(lambda self: self.accepted)
    @rule(data=st.data())
    def speak(self, data: st.DataObject) -> None:
        message_id = data.draw(st.sampled_from(self.accepted))
        text = f"{message_id}:{len(self.said[message_id])}"
        if message_id not in self.over:
            self.said[message_id].append(text)
        self.take(self.answers.produced(message_id, token(text)))

    @precondition(lambda self: self.accepted)
    @rule(data=st.data(), how=st.sampled_from(["complete", "interrupted", "error"]), joins=st.integers(0, 2))
    def end(self, data: st.DataObject, how: str, joins: int) -> None:
        message_id = data.draw(st.sampled_from(self.accepted))
        later = self.accepted[self.accepted.index(message_id) + 1 :]  # "m10" is later than "m2"
        behind = [one for one in later if one not in self.over]
        also = behind[:joins] if how == "complete" and message_id not in self.over else []
        ends: dict[str, End] = {
            "complete": complete(message_id, *also),
            "interrupted": stopped(message_id),
            "error": failed(message_id),
        }
        end = ends[how]
        self.take(self.answers.ended(message_id, end, also))
        self.over |= {message_id, *also}

    @rule()
    def end_all(self) -> None:
        for message_id in self.accepted:
            if message_id not in self.over:
                self.take(self.answers.ended(message_id, complete(message_id)))
                self.over.add(message_id)
        assert not self.answers.running
        ended = [one for end in self.out if isinstance(end, End) for one in ids_of(end)]
        assert sorted(ended) == sorted(self.accepted)  # each exactly once

    @invariant()
    def each_message_ends_once_and_says_nothing_more(self) -> None:
        speaking: set[str] = set()
        ended: set[str] = set()
        told: dict[str, list[str]] = {}
        for frame in self.out:
            if isinstance(frame, End):
                assert not ended & set(ids_of(frame))
                assert speaking <= set(ids_of(frame)), "only messages of one answer speak side by side"
                ended |= set(ids_of(frame))
                speaking = set()
            else:
                assert isinstance(frame, Token)
                message_id = frame.content.partition(":")[0]
                assert message_id not in ended
                speaking.add(message_id)
                told.setdefault(message_id, []).append(frame.content)
        assert len(speaking) <= 1
        for message_id, texts in told.items():
            assert texts == self.said[message_id][: len(texts)]  # in order, without a gap

    @invariant()
    def what_is_open_is_known(self) -> None:
        assert all(self.answers.knows(message_id) for message_id in self.accepted)


def ids_of(end: End) -> list[str]:
    """Return the messages that an end is about."""
    return list(end.message_ids) if isinstance(end, Complete) else [str(end.message_id)]


TestConversations = Conversations.TestCase
TestConversations.settings = settings(max_examples=150, stateful_step_count=40)


@given(st.lists(st.integers(0, 4), max_size=40))
def test_a_prompt_answer_is_never_held_back_without_a_cause(order: list[int]) -> None:
    """The answer that has begun first goes out at once, whatever waits behind it."""
    answers = Answers()
    for number in range(5):
        answers.accepted(f"m{number}")
    for number in order:
        first = answers.current in (None, f"m{number}")
        assert bool(answers.produced(f"m{number}", token("x"))) is first
