"""Errors have a code, a sentence and a remedy, whichever daemon sends them."""

from __future__ import annotations

import traceback

from xswarm_client.errors import NotAuthenticated, NotConfigured, XswarmError, of_frame


def test_an_error_of_the_socket_and_one_of_rest_say_the_same() -> None:
    for frame in (
        {"type": "error", "message": "Rate limit exceeded", "code": "rate_limited", "retry_after": 3},
        {"error": "Rate limit exceeded", "code": "rate_limited", "retry_after": 3.0, "remedy": "wait, then ask again"},
    ):
        error = of_frame(frame)
        assert (str(error), error.sentence, error.code) == (
            "Rate limit exceeded",
            "Rate limit exceeded",
            "rate_limited",
        )
        assert (error.remedy, error.retry_after) == ("wait, then ask again", 3.0)


def test_an_error_of_another_age_is_still_one() -> None:
    error = of_frame({"type": "error"})
    assert (error.code, str(error), error.remedy, error.retry_after) == (
        "internal",
        "the request failed",
        "the log of the daemon tells more",
        None,
    )
    assert of_frame({"code": "of_tomorrow", "message": "later"}).remedy == ""
    assert isinstance(of_frame({"code": "not_authenticated", "message": "no"}), NotAuthenticated)


def test_a_traceback_says_what_to_do() -> None:
    shown = traceback.format_exception(NotConfigured("there is no token", remedy="set XSWARM_TOKEN"))
    assert "".join(shown).endswith("there is no token\nWhat to do: set XSWARM_TOKEN\n")


def test_each_kind_has_a_code_of_its_own() -> None:
    kinds = {kind.code for kind in XswarmError.__subclasses__()}
    assert len(kinds) == len(XswarmError.__subclasses__())
