from __future__ import annotations

import json

import pytest

from supervisor.models.api_errors import error_body, error_response


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (502, "api_error"),
        (503, "api_error"),
        (529, "overloaded_error"),
    ],
)
def test_status_has_the_name_that_the_api_gives_it(status: int, kind: str) -> None:
    assert error_body(status, "why") == {"type": "error", "error": {"type": kind, "message": "why"}}


def test_response_is_json_with_its_headers() -> None:
    response = error_response(429, "later", headers={"retry-after": "7"})
    assert (response.status, response.content_type, response.headers["retry-after"]) == (429, "application/json", "7")
    assert json.loads(response.text or "") == error_body(429, "later")
