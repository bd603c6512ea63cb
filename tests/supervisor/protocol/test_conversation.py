"""The values between the core and a connector."""

from __future__ import annotations

from dataclasses import is_dataclass

from hypothesis import given
from hypothesis import strategies as st

from supervisor.protocol import conversation
from supervisor.protocol.conversation import Failed, Finished, ModelEndpoint, SessionSpec, Tokens, ToolCall, Verdict
from supervisor.protocol.messages import ProjectName, SessionId, UserId
from supervisor.protocol.status import Permissions

COUNTS = st.integers(min_value=0, max_value=10**12)
TOKENS = st.builds(Tokens, input=COUNTS, output=COUNTS, cache_read=COUNTS, cache_write_5m=COUNTS, cache_write_1h=COUNTS)


@given(TOKENS, TOKENS, TOKENS)
def test_tokens_add_up_in_any_order(one: Tokens, two: Tokens, three: Tokens) -> None:
    assert (one + two) + three == three + (two + one)
    assert one + Tokens() == one


def test_tokens_of_one_kind_are_not_those_of_another() -> None:
    added = Tokens(input=1, output=2, cache_read=3, cache_write_5m=4, cache_write_1h=5) + Tokens(output=10)
    assert added == Tokens(input=1, output=12, cache_read=3, cache_write_5m=4, cache_write_1h=5)


def test_a_sessions_token_shows_in_no_repr() -> None:
    async def decide(call: ToolCall) -> Verdict:
        return Verdict(allowed=False)

    endpoint = ModelEndpoint(base_url="http://127.0.0.1:1", token="hunter2")
    spec = SessionSpec(
        id=SessionId("s1"),
        conversation_id="c",
        resume=False,
        user_id=UserId("ada"),
        project=ProjectName("site"),
        project_path="/srv/site",
        permissions=Permissions.ASK,
        model=None,
        home="/x",
        endpoint=endpoint,
        decide=decide,
    )
    assert "hunter2" not in f"{endpoint!r} {endpoint} {spec!r} {spec}"
    assert "http://127.0.0.1:1" in repr(endpoint)


def test_a_turn_ends_in_finished_or_failed() -> None:
    assert Finished(message_id=None, text="x").stop_reason == "end_turn"
    failed = Failed(message_id=None, why="x")
    assert (failed.partial, failed.interrupted, failed.timed_out) == ("", False, False)


def test_every_value_is_frozen() -> None:
    kinds = [kind for kind in vars(conversation).values() if is_dataclass(kind)]
    assert len(kinds) >= 15
    assert all(kind.__dataclass_params__.frozen for kind in kinds)  # type: ignore[union-attr]
