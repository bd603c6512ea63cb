"""Frames become objects; what is not known is ignored, what is missing has a default."""

from __future__ import annotations

from xswarm_client.events import Answer, CostRow, SessionStatus, read


def test_a_frame_of_another_age_is_read() -> None:
    assert read(CostRow, {"key": "a", "cost_usd": 1.5, "carbon_g": 3}) == CostRow(key="a", cost_usd=1.5)
    assert read(SessionStatus, {}) == SessionStatus()
    answer = read(Answer, {"type": "claude_code_response", "content": "hi", "cost_usd": None, "request_id": "1"})
    assert (str(answer), answer.cost_usd, answer.session_id, answer.usage) == ("hi", None, None, None)
