"""Strict parsing of a header block."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.mail.headers import Headers, MalformedMail, decode_words, split


def test_fields_are_unfolded_in_order_and_found_in_any_case() -> None:
    headers, body = split(b"FROM: a@example.com\r\nX: one\r\n\ttwo\r\nx: three\r\n\r\nbody\r\n\r\nmore")
    assert headers.all("x") == ["one\ttwo", "three"]
    assert headers.first("from") == "a@example.com"
    assert body == b"body\r\n\r\nmore"


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: x\nFrom: admin@example.com\r\nFrom: eve@example.net\r\n\r\n",
        b"Subject: x\rFrom: admin@example.com\r\n\r\n",
        b"Subject: x\0\r\n\r\n",
        b"From : admin@example.com\r\n\r\n",
        b"no header\r\n\r\n",
        b" folded: first\r\n\r\n",
        b"Subject: x\n\nFrom: eve@example.net\r\n\r\nbody",
        b"X: y\r\n" * 2000,
        b"X: " + b"y" * 300_000,
        b"",
    ],
)
def test_ambiguous_header_block_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedMail):
        split(raw)


@given(st.binary(max_size=500))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        headers, _ = split(raw)
    except MalformedMail:
        return
    headers.words("subject")
    headers.message_ids("references")


@given(st.text(alphabet="=?utf-8bqQB\r\n \x1bü_", max_size=100))
def test_decoded_words_are_one_printable_line(value: str) -> None:
    assert "\n" not in decode_words(value)
    assert "\x1b" not in decode_words(value)


def test_encoded_words_are_decoded() -> None:
    assert decode_words("=?utf-8?q?Gr=C3=BC=C3=9Fe?= =?iso-8859-1?b?9g==?=") == "Grüßeö"
    assert decode_words("=?nonsense?q?x?=") == "=?nonsense?q?x?="


def test_only_plain_message_ids_are_found() -> None:
    headers = Headers([("references", "<a@b> garbage <c d> <e@f>(x)<g\x00h>")])
    assert headers.message_ids("references") == ["<a@b>", "<e@f>"]
