from __future__ import annotations

from typing import Any

import anthropic
import httpx2
import pytest

from connectors.assistant import failures
from supervisor.protocol.ports.connector import OWN_ERROR

REQUEST = httpx2.Request("POST", "http://127.0.0.1/v1/messages")


def status_error(status: int, body: Any = None, headers: dict[str, str] | None = None) -> anthropic.APIStatusError:
    response = httpx2.Response(status, request=REQUEST, headers=headers)
    return anthropic.APIStatusError("Error code", response=response, body=body)


def body(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}}


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (status_error(401), "the model provider refused our credentials; the operator should check ANTHROPIC_API_KEY"),
        (status_error(403), "the model provider refused our credentials; the operator should check ANTHROPIC_API_KEY"),
        (status_error(402, body("billing_error", "Budget exceeded: user")), "Budget exceeded: user"),
        (status_error(402), "the budget is spent; an admin can raise it"),
        (
            status_error(503, body("api_error", "the database does not answer"), {OWN_ERROR: "storage"}),
            "the database does not answer",
        ),
        (
            status_error(404),
            "the model m-1 is not available; the operator should set another one as assistant.model",
        ),
        (status_error(408), "the model did not answer in time; try again"),
        (status_error(413), "the message is too long for the model; send a shorter one"),
        (status_error(429), "the model provider is limiting our requests; try again in a minute"),
        (
            status_error(429, headers={"retry-after": "17"}),
            "the model provider is limiting our requests; try again in 17 seconds",
        ),
        (
            status_error(429, headers={"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}),
            "the model provider is limiting our requests; try again in a minute",
        ),
        (status_error(529), "the model is overloaded; try again in a few minutes"),
        (
            status_error(503),
            "the model provider has a problem of its own (HTTP 503); try again in a few minutes",
        ),
        (status_error(400, body("invalid_request_error", "bad system")), "the model refused the request: bad system"),
        (status_error(422), "the model refused the request: HTTP 422"),
        (status_error(200, body("overloaded_error", "x")), "the model is overloaded; try again in a few minutes"),
        (
            status_error(200, body("new_error", "x")),
            "the model provider has a problem of its own (HTTP 500); try again in a few minutes",
        ),
        (anthropic.APITimeoutError(REQUEST), "the model did not answer in time; try again"),
        (httpx2.ReadTimeout("slow"), "the model did not answer in time; try again"),
        (
            anthropic.APIConnectionError(request=REQUEST),
            "the model cannot be reached; try again in a minute, and tell the operator if it stays so",
        ),
        (httpx2.RemoteProtocolError("gone"), "the connection to the model broke off; try again"),
        (
            anthropic.APIError("odd", REQUEST, body=None),
            "the model sent an answer that cannot be read; try again",
        ),
    ],
)
def test_every_failure_has_a_sentence(error: anthropic.APIError | httpx2.TransportError, sentence: str) -> None:
    assert failures.sentence(error, model="m-1") == sentence


def test_a_long_message_of_the_provider_is_cut() -> None:
    error = status_error(400, body("invalid_request_error", "x" * 5000))
    assert len(failures.sentence(error, model="m")) < 400
