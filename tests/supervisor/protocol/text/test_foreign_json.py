"""JSON that others wrote: lone surrogates and NUL do not get in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.protocol.text.foreign_json import loads


@pytest.mark.parametrize("as_bytes", [False, True])
@pytest.mark.parametrize(
    ("document", "value"),
    [
        (r'"half \ud83d of it"', "half \ufffd of it"),
        (r'"\uDE00\uD83D"', "\ufffd\ufffd"),
        (r'"\ud83d\ude00"', "\U0001f600"),
        (r'"a\u0000b"', "a\ufffdb"),
        (r'{"\ud800": [{"a": "\udfff"}, 1, null]}', {"\ufffd": [{"a": "\ufffd"}, 1, None]}),
        (r'{"plain": "text"}', {"plain": "text"}),
    ],
)
def test_what_it_holds_can_be_encoded(document: str, value: Any, *, as_bytes: bool) -> None:
    assert loads(document.encode() if as_bytes else document) == value


def test_a_surrogate_that_is_encoded_as_a_character_is_replaced() -> None:
    assert loads(b'"a\xed\xa0\xbdb"') == "a\ufffdb"


@pytest.mark.parametrize("document", ["", "{", '{"a": "\ud83d', b"\xff"])
def test_what_is_no_json_is_an_error(document: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        loads(document)


@given(st.recursive(st.text() | st.none() | st.integers(), lambda of: st.lists(of) | st.dictionaries(st.text(), of)))
def test_all_that_json_can_write_can_be_stored(value: Any) -> None:
    stored = json.dumps(loads(json.dumps(value)), ensure_ascii=False)
    assert "\0" not in stored.encode().decode()
