from __future__ import annotations

from supervisor.models.token_estimate import estimate_tokens


def test_something_is_at_least_one_token() -> None:
    assert (estimate_tokens(0), estimate_tokens(4), estimate_tokens(5)) == (1, 1, 2)
