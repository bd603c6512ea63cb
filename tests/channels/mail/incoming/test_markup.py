"""The visible text of HTML."""

# ruff: noqa: E501  # markup is data

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.mail.incoming.markup import has_quote_marks, visible_text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>one</p><p>two<br>three</p>", "one\n\ntwo\nthree"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("a &lt;b&gt; &amp; &#x63;", "a <b> & c"),
        ("<ul><li>one<li>two</ul>", "- one\n- two"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        (
            "mine<blockquote>theirs<br>more<blockquote>older</blockquote></blockquote>mine",
            "mine\n\n> theirs\n> more\n\n> > older\n\nmine",
        ),
        ("<style>p { x }</style><script>var a = '<p>';</script><title>t</title>seen", "seen"),
        ("a <!-- hidden --> b <![if !mso]>c<![endif]>", "a b c"),
        ('see <a href="https://example.com/x">this</a>', "see this (https://example.com/x)"),
        ('<a href="javascript:alert(1)">this</a>', "this"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ('<span title="a > b">seen</span>', "seen"),
        ("<p>unclosed <b>tags", "unclosed tags"),
        ("</p></div>stray", "stray"),
        ("<div>mine </div><div>-- <br></div><div>Alice</div>", "mine\n-- \nAlice"),
    ],
)
def test_visible_text_is_split_into_lines(source: str, text: str) -> None:
    assert visible_text(source) == text


@pytest.mark.parametrize(
    "hidden",
    [
        '<div style="display:none">evil</div>',
        '<div style="DISPLAY : none !important"><b>evil</b></div>',
        '<span style="visibility:hidden">evil</span>',
        '<span style="font-size:0">evil</span>',
        '<span style="font-size:0px;color:red">evil</span>',
        '<span style="color:#fff">evil</span>',
        '<span style="color: rgb(255, 255, 255)">evil</span>',
        '<font color="white">evil</font>',
        '<div bgcolor="#000"><span style="color:black">evil</span></div>',
        '<div style="opacity:0">evil</div>',
        "<p hidden>evil</p>",
        '<span style="mso-hide:all">evil</span>',
        '<div style="text-indent:-9999px">evil</div>',
        "<template>evil</template>",
    ],
)
def test_hidden_text_is_dropped(hidden: str) -> None:
    assert visible_text(f"seen {hidden} too").split() == ["seen", "too"]


def test_white_text_on_a_dark_background_is_kept() -> None:
    assert visible_text('<td style="background-color:#222"><span style="color:#fff">seen</span></td>').strip() == "seen"


def test_characters_without_width_are_dropped() -> None:
    assert visible_text("a&#x200b;b\u202ec\U000e0041d\ufeff") == "abcd"


def test_joiners_and_the_indentation_of_code_are_kept() -> None:
    assert (
        visible_text("\u0645\u06cc\u200c\u062e \U0001f469\u200d\U0001f680")
        == "\u0645\u06cc\u200c\u062e \U0001f469\u200d\U0001f680"
    )
    assert visible_text("<div>if x:</div><div>&nbsp;&nbsp;y()</div>") == "if x:\n  y()"


@pytest.mark.parametrize(
    "piece", ["<a ", "<a x='", "<!--", "</", "<", "<script>", "<div>", "&#x", '<a b="', "<blockquote>"]
)
def test_hostile_markup_takes_linear_time(piece: str) -> None:
    # The quadratic time of html.parser would be minutes here.
    visible_text(piece * (262_144 // len(piece)))


@given(st.text(alphabet="<>/!-ab=\"' &;#pdivstyle:none\n", max_size=300))
def test_any_markup_is_read(source: str) -> None:
    assert isinstance(visible_text(source), str)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            '<div>yes</div><div class="gmail_quote"><div class="gmail_attr">Bo:<br></div><blockquote>run?</blockquote></div>',
            "yes\n> Bo:\n\n> run?",
        ),
        ('yes<div class="moz-cite-prefix">Bo:</div><blockquote type="cite">run?</blockquote>', "yes\n> Bo:\n\n> run?"),
        ('<div>yes</div><div id="appendonsend"></div><hr><div id="divRplyFwdMsg">From: Bo</div><p>run?</p>', None),
        ('yes<div id="ydp1yahoo_quoted" class="yahoo_quoted">Bo: run?</div>', "yes\n> Bo: run?"),
        (
            '<p>yes</p><div style="border:none;border-top:solid #E1E1E1 1.0pt"><p>From: Bo</p></div><p>run?</p>',
            "yes\n\n> From: Bo\n\n> run?",
        ),
        ('yes<table class="OutlookMessageHeader"><tr><td>From: Bo</td></tr></table>run?', None),
    ],
)
def test_what_a_mail_program_marks_as_quoted_is_marked(source: str, text: str | None) -> None:
    assert has_quote_marks(source)
    shown = visible_text(source)
    assert text is None or shown == text
    assert [line for line in shown.split("\n") if line.strip() and not line.startswith(">")] == ["yes"]
