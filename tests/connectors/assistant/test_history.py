from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.assistant.history import BYTES_PER_TOKEN, messages_for
from supervisor.protocol.conversation import Exchange

EXCHANGES = st.builds(
    lambda prompt, answer: Exchange(prompt=prompt, answer=answer), st.text(max_size=40), st.text(max_size=40)
)


def test_without_history_only_the_prompt_is_sent() -> None:
    assert messages_for([], "hi", history_tokens=100) == [{"role": "user", "content": "hi"}]


def test_exchanges_come_oldest_first_before_the_prompt() -> None:
    history = [Exchange(prompt="a", answer="b"), Exchange(prompt="c", answer="d")]
    messages = messages_for(history, "e", history_tokens=100)
    assert [message["content"] for message in messages] == ["a", "b", "c", "d", "e"]


def test_the_oldest_exchanges_give_way() -> None:
    history = [Exchange(prompt="old", answer="x" * 8), Exchange(prompt="1234", answer="1234")]
    messages = messages_for(history, "now", history_tokens=2)
    assert [message["content"] for message in messages] == ["1234", "1234", "now"]


def test_an_exchange_that_does_not_fit_hides_the_older_ones_too() -> None:
    history = [
        Exchange(prompt="a", answer="b"),
        Exchange(prompt="big", answer="x" * 100),
        Exchange(prompt="c", answer="d"),
    ]
    messages = messages_for(history, "e", history_tokens=10)
    assert [message["content"] for message in messages] == ["c", "d", "e"]


def test_the_prompt_is_sent_however_long_it_is() -> None:
    assert messages_for([], "x" * 1000, history_tokens=0) == [{"role": "user", "content": "x" * 1000}]


def test_exchanges_without_text_are_left_out() -> None:
    history = [
        Exchange(prompt="failed", answer=""),
        Exchange(prompt=" ", answer="odd"),
        Exchange(prompt="a", answer="b "),
    ]
    messages = messages_for(history, "c", history_tokens=100)
    assert [message["content"] for message in messages] == ["a", "b", "c"]


@settings(max_examples=50)
@given(st.lists(EXCHANGES, max_size=8), st.integers(0, 60))
def test_roles_alternate_from_user_to_user_within_the_bound(history: list[Exchange], history_tokens: int) -> None:
    messages = messages_for(history, "now", history_tokens=history_tokens)
    assert [message["role"] for message in messages] == ["user", "assistant"] * (len(messages) // 2) + ["user"]
    sent = "".join(str(message["content"]) for message in messages[:-1])
    assert len(sent.encode()) <= history_tokens * BYTES_PER_TOKEN
    assert all(str(message["content"]).strip() for message in messages)
