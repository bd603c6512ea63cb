"""Each refusal has a code, a sentence and a remedy, and HTTP knows its status."""

from __future__ import annotations

import pytest

from supervisor.people.sign_in.errors import FreshCheckNeeded, SignInNotFound
from supervisor.protocol.errors import XswarmError
from supervisor.wires.failures import failure


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(FreshCheckNeeded("do it"), 403, "fresh_check_needed"), (SignInNotFound("s1"), 404, "sign_in_not_found")],
)
def test_what_a_page_is_told(error: XswarmError, status: int, code: str) -> None:
    answer = failure(error)
    assert (answer.status_code, error.code) == (status, code)
    assert error.remedy
    assert error.remedy.encode() in bytes(answer.body)
