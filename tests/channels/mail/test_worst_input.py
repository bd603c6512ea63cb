"""The parsers of mail on the worst inputs that were found: linear time, and a bounded number of calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from channels.mail.bounces import read_bounce
from channels.mail.headers import Headers, MalformedMail, decode_words, split
from channels.mail.incoming.body import read_body
from channels.mail.incoming.loops import automatic_reason
from channels.mail.incoming.markup import visible_text
from channels.mail.incoming.quotes import Thread, own_text
from channels.mail.incoming.sender import SenderNotProven, dmarc_pass, parse_author
from tests.channels.mail.fixtures import ADMIN, AUTHSERV, PASSED
from tests.cost import assert_linear


def filled(piece: str, size: int) -> str:
    return piece * (size // len(piece))


def tolerant(parse: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    """Return a call of a parser that may refuse its input."""

    def call() -> Any:
        try:
            return parse(*arguments)
        except (MalformedMail, SenderNotProven) as refused:
            return refused

    return call


@pytest.mark.parametrize(
    "piece", ["a: b\r\n", " \r\n", "a:\r\n b\r\n\tc\r\n", "\r\n ", ": ", "\r", "a: " + "b" * 997 + "\r\n"]
)
def test_headers_are_split_in_linear_time(piece: str) -> None:
    # A head over the limit is refused at once, so the whole size is its content.
    assert_linear(lambda size: tolerant(split, ("a: b\r\n" + filled(piece, size - 20)).encode()), 1_000)


@pytest.mark.parametrize(
    "piece", ["=?a?q?", "=?utf-8?b?", "=?utf-8?q?=?=", "(", '"', "\\", "x <", "a@b ", "; dmarc=", "=", " "]
)
def test_header_values_are_read_in_linear_time(piece: str) -> None:
    assert_linear(lambda size: tolerant(decode_words, filled(piece, size)), 50)
    assert_linear(lambda size: tolerant(parse_author, filled(piece, size)), 50)
    assert_linear(lambda size: tolerant(dmarc_pass, f"{PASSED} {filled(piece, size)}", AUTHSERV), 100)


@pytest.mark.parametrize("piece", ["<", "<a@b>", "<aaa", "x", "<01890a5d-"])
def test_message_ids_are_read_in_linear_time(piece: str) -> None:
    assert_linear(
        lambda size: tolerant(automatic_reason, Headers([("references", filled(piece, size))]), ADMIN, "example.org"),
        500,
    )


@pytest.mark.parametrize(
    "piece",
    [
        "<td>x",
        "<li>x",
        "<b>x</b>",
        '<a href="http://x.test/">y</a>',
        "<blockquote>x",
        "<div>",
        "<div></b>",
        "<br>",
        "<pre>\n",
        "&#x",
        "&#1",
        "&a",
        "<!--",
        "<script>",
        "<a ",
        "<a b='",
        '<a b="c" ',
        '<p style="color:',
        '<p style="color:#fff;background:#fff">x',
        "\u200b",
        "x\n",
        " ",
    ],
)
def test_markup_is_read_in_linear_time(piece: str) -> None:
    assert_linear(lambda size: lambda: visible_text(filled(piece, size)), 8_000)


def test_character_reference_of_any_length_is_read() -> None:
    assert visible_text(f"a&#{'9' * 10_000};b") == "a\ufffdb"


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        ("Content-Type: text/html\r\n\r\n", "<td>x"),
        ("Content-Type: multipart/mixed; boundary=b\r\n\r\n", "--b\r\n"),
        ("Content-Type: multipart/mixed; boundary=b\r\n\r\n", "--b\r\nContent-Type: text/html\r\n\r\n<td>x\r\n"),
        (
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n",
            "--b\r\nContent-Type: a;;;;;;;;;;;;;;;;;;;;;\r\n\r\n\r\n",
        ),
        ("Content-Type: multipart/mixed; boundary=-\r\n\r\n", "-"),
        ("Content-Transfer-Encoding: base64\r\n\r\n", "QQ=="),
        ("Content-Transfer-Encoding: quoted-printable\r\n\r\n", "=\r\n="),
        ("Content-Type: text/plain; charset=utf-7\r\n\r\n", "+AAA-"),
        ('Content-Type: text/plain; x="', ";"),
        ("Content-Type: text/plain", ";"),
        ("Content-Type: text/plain", "\r\nContent-Type: text/plain"),
        ("Content-Type: text/plain", "\r\n x"),
        ("", "\r\n"),
    ],
)
def test_parts_are_read_in_linear_time(head: str, piece: str) -> None:
    assert_linear(lambda size: lambda: read_body((head + filled(piece, size)).encode()), 8_000)


@pytest.mark.parametrize(
    "piece",
    [
        "Content-Type: message/delivery-status\n",
        "\n--",
        "Action: failed\nStatus: 5.0.0\n",
        "Message-ID: <01890a5d-",
        "Message-ID:\n ",
        "5.1.",
        "--- Below this line is a copy of the message.",
    ],
)
def test_bounces_are_read_in_linear_time(piece: str) -> None:
    headers = Headers([("content-type", "multipart/report"), ("x-failed-recipients", "a@b")])
    assert_linear(lambda size: lambda: read_bounce(headers, filled(piece, size).encode(), "example.org"), 50)


@pytest.mark.parametrize(
    "piece", ["-- \n", "> \n", "\n", "x\n", "On 1 wrote:\n", "From: a\n", "-", " ", "On 1 ", "a <b@c> "]
)
def test_quotes_are_found_in_linear_time(piece: str) -> None:
    assert_linear(lambda size: lambda: own_text(filled(piece, size)), 20_000)


@pytest.mark.parametrize(
    "piece", ["Run it?\n", "> Run it?\n", "x" * 60 + "\n", "a: b\n", "<a@b> 2026 1:00:\n", "-----\n"]
)
def test_our_answer_is_found_in_linear_time(piece: str) -> None:
    thread = Thread(["Run it?", "x" * 262_144, "> a: b"], ("bot@example.org", "Bot"))
    assert_linear(lambda size: lambda: own_text(filled(piece, size), thread), 30_000)
