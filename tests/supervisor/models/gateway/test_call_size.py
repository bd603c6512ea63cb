"""The upper limits of a call, and the calls that cannot be metered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from supervisor.models.gateway.call_size import WHOLE_CONTEXT, CallSize, UnmeterableCall, read_call_size

TEXT = {"role": "user", "content": [{"type": "text", "text": "hi"}]}


def asking(**more: Any) -> bytes:
    return json.dumps({"model": "m", "max_tokens": 50, "messages": [TEXT], **more}).encode()


def test_a_prompt_has_at_most_a_token_for_each_byte() -> None:
    raw = asking(tools=[{"name": "Read"}, {"type": "custom", "name": "a"}, {"type": "bash_20250124", "name": "bash"}])
    assert read_call_size(raw) == CallSize(model="m", max_tokens=50, prompt_tokens=len(raw))


@pytest.mark.parametrize(
    "block",
    [
        {"type": "document", "source": {"type": "url", "url": "https://example.com/long.pdf"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBOR"}},
        {"type": "tool_result", "content": [{"type": "document", "source": {"type": "file", "file_id": "f"}}]},
    ],
)
def test_a_file_of_any_size_may_fill_the_context(block: dict[str, Any]) -> None:
    assert read_call_size(asking(messages=[{"role": "user", "content": [block]}])).prompt_tokens == WHOLE_CONTEXT


def test_a_body_longer_than_a_context_counts_in_full() -> None:
    text = {"type": "text", "text": "x" * WHOLE_CONTEXT}
    raw = asking(messages=[{"role": "user", "content": [text, {"type": "image", "source": {}}]}])
    assert read_call_size(raw).prompt_tokens == len(raw)


def test_a_model_that_is_half_a_surrogate_pair_can_be_booked() -> None:
    raw = asking(model="m\ud83d")
    assert rb"\ud83d" in raw
    assert read_call_size(raw).model == "m\ufffd"


def test_max_tokens_is_optional() -> None:
    assert read_call_size(b'{"model": "m"}').max_tokens == read_call_size(asking(max_tokens=-5)).max_tokens == 0


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"max_tokens": 32000.0}, "max_tokens"),
        ({"max_tokens": "32000"}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"speed": "fast"}, "speed"),
        ({"inference_geo": "us"}, "inference_geo"),
        ({"mcp_servers": [{"type": "url", "url": "https://example.com"}]}, "mcp_servers"),
        ({"tools": [{"name": "Read"}, {"type": "web_search_20250305", "name": "web_search"}]}, "tools"),
        ({"tools": [{"type": "web_fetch_20250910", "name": "web_fetch"}]}, "tools"),
        ({"tools": [{"type": "code_execution_20250825", "name": "code"}]}, "tools"),
        ({"tools": [{"type": ["custom"], "name": "odd"}]}, "tools"),
    ],
)
def test_a_call_that_no_price_or_policy_covers_is_refused(more: dict[str, Any], field: str) -> None:
    with pytest.raises(UnmeterableCall) as caught:
        read_call_size(asking(**more))
    assert caught.value.why.startswith(f"{field}: ")


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"{}", b'{"model": 5}', b"\xff", b"[" * 100_000])
def test_a_body_that_is_not_a_request_is_refused(raw: bytes) -> None:
    with pytest.raises(UnmeterableCall, match="must be a JSON object with a model"):
        read_call_size(raw)
