"""Errors of a call of the model, as sentences for the person who wrote the message."""

from __future__ import annotations

import anthropic
import httpx2

from supervisor.protocol.ports.connector import OWN_ERROR

LONGEST_DETAIL = 300
"""Characters of a provider's error message that are passed on."""

UNREADABLE = "the model sent an answer that cannot be read; try again"

ENDED_EARLY = "the model's answer ended in the middle; try again"

EMPTY = "the model gave an empty answer; try again"

BROKEN_FORMAT = (ValueError, LookupError, TypeError, AttributeError, RuntimeError, httpx2.DecodingError)
"""What is raised where a stream breaks the rules of its format; the client checks only some of them by itself."""

_STATUS_OF_TYPE = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""By error type: the HTTP status. An error inside a stream comes with status 200."""


class UnreadableAnswer(Exception):
    """The stream of an answer breaks the rules of its format: no JSON, no such event, bytes that decode to nothing."""


def sentence(error: anthropic.APIError | httpx2.TransportError, *, model: str) -> str:
    """Return one sentence: what failed, and what to do."""
    if is_timeout(error):
        return "the model did not answer in time; try again"
    if isinstance(error, anthropic.APIStatusError):
        return _own(error) or _status_sentence(error, model)
    if isinstance(error, anthropic.APIConnectionError):
        return "the model cannot be reached; try again in a minute, and tell the operator if it stays so"
    if isinstance(error, httpx2.TransportError):
        # The client wraps these errors only until the answer begins.
        return "the connection to the model broke off; try again"
    return UNREADABLE


def is_timeout(error: anthropic.APIError | httpx2.TransportError) -> bool:
    """Return whether the error is a timeout."""
    return isinstance(error, anthropic.APITimeoutError | httpx2.TimeoutException)


def _own(error: anthropic.APIStatusError) -> str:
    """Return what our own gateway says, which has not asked the model; empty = the answer is the provider's."""
    return (error.api_message or "").strip() if OWN_ERROR in error.response.headers else ""


def _status_sentence(error: anthropic.APIStatusError, model: str) -> str:
    status = error.status_code if error.status_code != 200 else _STATUS_OF_TYPE.get(error.type or "", 500)
    detail = (error.api_message or "").strip()[:LONGEST_DETAIL]
    match status:
        case 401 | 403:
            return "the model provider refused our credentials; the operator should check ANTHROPIC_API_KEY"
        case 402:
            # The refusal of our gateway, which names the budget that is spent.
            return detail or "the budget is spent; an admin can raise it"
        case 404:
            return f"the model {model} is not available; the operator should set another one as assistant.model"
        case 408 | 504:
            return "the model did not answer in time; try again"
        case 413:
            return "the message is too long for the model; send a shorter one"
        case 429:
            return f"the model provider is limiting our requests; try again {_when(error.response)}"
        case 529:
            return "the model is overloaded; try again in a few minutes"
        case _ if status >= 500:
            return f"the model provider has a problem of its own (HTTP {status}); try again in a few minutes"
        case _:
            return f"the model refused the request: {detail or f'HTTP {status}'}"


def _when(response: httpx2.Response) -> str:
    seconds = response.headers.get("retry-after", "")
    return f"in {seconds} seconds" if seconds.isdecimal() and int(seconds) > 1 else "in a minute"
