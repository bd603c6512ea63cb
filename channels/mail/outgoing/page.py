"""The HTML part of an answer: readable on a phone, and without anything that runs or loads.

The page has no inline styles, so a mail program that ignores its style sheet shows plain HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from supervisor.protocol.messages import SENTENCE, VERBATIM

_STYLE = """\
body { margin: 0; padding: 12px; font: 16px/1.5 sans-serif; overflow-wrap: anywhere; -webkit-text-size-adjust: 100%; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: 8px; background: rgba(127, 127, 127, 0.15); }
code, pre { font: 14px/1.4 monospace; }
ul, ol { padding-left: 24px; }
h1 { font-size: 22px; }
h2 { font-size: 19px; }
h3, h4, h5, h6 { font-size: 16px; }
.task { list-style: none; margin-left: -20px; }
.task .task { margin-left: -4px; }
blockquote { margin: 0; padding-left: 12px; border-left: 3px solid rgba(127, 127, 127, 0.5); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: 4px 8px; min-width: 64px; border: 1px solid rgba(127, 127, 127, 0.5); text-align: left;
  vertical-align: top; }
"""

_HEAD = f"""\
<!doctype html>
<html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>
{_STYLE}</style></head>
<body>
"""
_FOOT = "</body></html>\n"

_URL = re.compile(r"\bhttps?://[^\s<>\"'`|\\^{}]+")
_AFTER_URL = ".,;:!?*_~"  # marks that end a sentence or an emphasis, rather than a URL
_TASK = re.compile(r"\[([ xX])\][ \t]+")


def html_page(text: str, meta: Mapping[str, Any]) -> str:
    """Return the text of an answer as an HTML page.

    Args:
        text: Markdown, unless `meta` has `VERBATIM` or `SENTENCE`.
    """
    if meta.get(VERBATIM):
        body = f"<pre>{escape(text)}</pre>\n"
    elif meta.get(SENTENCE):
        body = "<p>{}</p>\n".format(_sentence(text).replace("\n", "<br>\n"))
    else:
        body = str(_MARKDOWN.render(text))
    return f"{_HEAD}{body}{_FOOT}"


def _sentence(text: str) -> str:
    """Return a sentence as HTML, with links."""
    return "".join(
        f'<a href="{escape(part)}">{escape(part)}</a>' if is_url else escape(part) for part, is_url in _parts(text)
    )


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the parts of a text, and whether each is a URL."""
    end = 0
    for match in _URL.finditer(text):
        url = match[0].rstrip(_AFTER_URL)
        while url.endswith(")") and url.count(")") > url.count("("):
            url = url[:-1].rstrip(_AFTER_URL)
        yield text[end : match.start()], False
        yield url, True
        end = match.start() + len(url)
    yield text[end:], False


def _link_urls(state: StateCore) -> None:
    """Make links of the bare URLs in Markdown."""
    for block in state.tokens:
        if block.type == "inline" and block.children is not None and "://" in block.content:
            block.children = list(_with_links(block.children))


def _with_links(tokens: Sequence[Token]) -> Iterator[Token]:
    in_link = 0
    for token in tokens:
        in_link += token.nesting if token.type in ("link_open", "link_close") else 0
        if token.type != "text" or in_link:
            yield token
            continue
        for part, is_url in _parts(token.content):
            if is_url:
                yield Token("link_open", "a", 1, attrs={"href": part})
            if part:
                yield Token("text", "", 0, content=part)
            if is_url:
                yield Token("link_close", "a", -1)


def _check_tasks(state: StateCore) -> None:
    """Show the boxes of task lists as characters: a mail program shows no form fields."""
    for item, paragraph, inline in zip(state.tokens, state.tokens[1:], state.tokens[2:], strict=False):
        if (item.type, paragraph.type) != ("list_item_open", "paragraph_open") or not inline.children:
            continue
        first = inline.children[0]
        box = _TASK.match(first.content) if first.type == "text" else None
        if box is not None:
            item.attrSet("class", "task")
            first.content = f"{'☐' if box[1] == ' ' else '☑'} {first.content[box.end() :]}"


def _strong(markup: str, tag: str) -> str:
    return markup if markup == "__" else tag


def _markdown() -> MarkdownIt:
    # Raw HTML is shown as text. Images are off: a mail program would load them from any server.
    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")
    markdown.core.ruler.push("tasks", _check_tasks)
    markdown.core.ruler.push("urls", _link_urls)
    markdown.add_render_rule("table_open", lambda *_: '<div class="wide"><table>\n')
    markdown.add_render_rule("table_close", lambda *_: "</table></div>\n")
    # __init__.py is the name of a file, and was hardly meant to be strong.
    markdown.add_render_rule("strong_open", lambda _, tokens, at, *__: _strong(tokens[at].markup, "<strong>"))
    markdown.add_render_rule("strong_close", lambda _, tokens, at, *__: _strong(tokens[at].markup, "</strong>"))
    return markdown


_MARKDOWN = _markdown()
