"""For whom a call is made."""

from __future__ import annotations

from typing import Any

import pytest

from examples.residency.data.journal import Actor
from examples.residency.server.acting import NOBODY, actor_of


def test_the_caller_names_user_and_chat() -> None:
    meta = {"xswarm/user": {"id": "alice", "name": "Alice Brown"}, "xswarm/chat": "chat-1"}
    assert actor_of(meta) == Actor(id="alice", name="Alice Brown", chat="chat-1")
    assert actor_of({"xswarm/user": {"id": "alice"}}) == Actor(id="alice", name="alice")


@pytest.mark.parametrize(
    "meta",
    [{}, {"xswarm/user": "alice"}, {"xswarm/user": {}}, {"xswarm/user": {"id": 3}}, {"xswarm/user": {"id": ""}}],
)
def test_a_caller_that_names_nobody_acts_as_local(meta: dict[str, Any]) -> None:
    assert actor_of(meta) == NOBODY


def test_parts_that_are_no_text_count_as_missing() -> None:
    meta = {"xswarm/user": {"id": "alice", "name": 3}, "xswarm/chat": ["x"]}
    assert actor_of(meta) == Actor(id="alice", name="alice", chat="")
