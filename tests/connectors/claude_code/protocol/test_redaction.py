"""Secrets are replaced, whether they are known or only look like credentials."""

from __future__ import annotations

import pytest

from connectors.claude_code.protocol.redaction import Redaction


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("token is hunter22.", "token is ***."),
        ("sk-ant-api03-abc_DEF is wrong", "*** is wrong"),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("GET /?key=abc HTTP/1.1", "GET /?key=*** HTTP/1.1"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_secrets_are_replaced(text: str, clean: str) -> None:
    assert Redaction(["hunter22"]).clean(text) == clean


def test_an_empty_secret_hides_nothing() -> None:
    assert Redaction([""]).clean("plain") == "plain"
