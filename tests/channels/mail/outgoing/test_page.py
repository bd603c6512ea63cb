"""The HTML part of an answer, as a phone shows it."""

from __future__ import annotations

import asyncio
import html
import re
import shutil
from pathlib import Path

import pytest

from channels.mail.outgoing.page import html_page
from supervisor.protocol.messages import SENTENCE, VERBATIM
from tests.cost import assert_linear
from tests.slowness import scaled

URL = "https://example.org/" + "path/" * 30 + "?q=(a)"
WORD = "Donaudampfschifffahrtsgesellschaft" * 6
ANSWER = f"""\
# A heading with a {WORD}

See {URL}, [a link]({URL}) and <{URL}>. `inline {WORD}`

- [ ] open
- [x] done, with {WORD}
  - [X] below

1. one
   > quoted {WORD}

```sh
make test && echo "{WORD}" && echo "a line that is longer than the screen of a phone is wide, and has many words"
```

    indented {WORD}

| a | b | c | d | e | f | g | h |
|---|---|---|---|---|---|---|---|
| one | two | three | {WORD} | five | six | {URL} | eight |
"""
PHONE = 390
"""The width of a phone's screen, in CSS pixels."""

FRAME = """\
<!doctype html><iframe id="f" width="{width}" height="20000" style="border:0" srcdoc="{page}"></iframe>
<p id="out"></p><script>
document.getElementById("f").onload = (event) => {{
  const page = event.target.contentDocument;
  const broad = [...page.querySelectorAll("body *")].filter(
    (e) => !e.closest(".wide") && e.getBoundingClientRect().right > {width});
  document.getElementById("out").textContent =
    `RESULT ${{page.documentElement.scrollWidth}} ${{broad.map((e) => e.tagName).join(",")}} END`;
}};
</script>
"""


def body(text: str, **meta: bool) -> str:
    return html_page(text, meta).partition("<body>\n")[2].removesuffix("</body></html>\n")


def test_a_phone_is_told_to_use_its_own_width() -> None:
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in html_page("hello", {})


def test_bare_urls_are_links_without_the_marks_behind_them() -> None:
    link = '<a href="{0}">{0}</a>'
    a, b = link.format("https://a.test/x_(y)?a=1&amp;b=2"), link.format("http://b.test")
    assert body("See https://a.test/x_(y)?a=1&b=2. (Or http://b.test!)") == f"<p>See {a}. (Or {b}!)</p>\n"
    assert body("See https://a.test/x_(y)?a=1&b=2.\nOr http://b.test!", **{SENTENCE: True}) == (
        f"<p>See {a}.<br>\nOr {b}!</p>\n"
    )
    assert body("[x](http://b.test) `http://c.test`") == (
        '<p><a href="http://b.test">x</a> <code>http://c.test</code></p>\n'
    )
    assert body("[http://c.test](http://b.test)") == '<p><a href="http://b.test">http://c.test</a></p>\n'
    assert body("http://b.test", **{VERBATIM: True}) == "<pre>http://b.test</pre>\n"


def test_boxes_of_task_lists_are_characters() -> None:
    assert re.findall(
        r"<li[^>]*>([^<\n]+)", body("- [ ] open\n- [x] done\n- [X] too\n- [y] none\n- [x](http://b.test)")
    ) == [
        "☐ open",
        "☑ done",
        "☑ too",
        "[y] none",
    ]
    assert '<li class="task">☐ open</li>' in body("- [ ] open")


def test_a_wide_table_scrolls_by_itself() -> None:
    page = body("| a |\n|---|\n| b |")
    assert page.startswith('<div class="wide"><table>')
    assert page.endswith("</table></div>\n")


@pytest.mark.parametrize("piece", ["https://a", "https://a.b/) ", "- [ ] x\n", "http://((((", ")", "https://a.b/)))))"])
def test_pages_are_made_in_linear_time(piece: str) -> None:
    assert_linear(lambda size: lambda: html_page(piece * (size // len(piece)), {}), 40_000)


@pytest.mark.parametrize("meta", [{}, {VERBATIM: True}], ids=["markdown", "verbatim"])
async def test_nothing_is_wider_than_a_phone(tmp_path: Path, meta: dict[str, bool]) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("needs Chromium")
    page = tmp_path / "page.html"
    page.write_text(FRAME.format(width=PHONE, page=html.escape(html_page(ANSWER, meta))), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        browser,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        f"--user-data-dir={tmp_path / 'profile'}",
        "--dump-dom",
        page.as_uri(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(scaled(60.0)):
        shown = (await process.communicate())[0].decode()
    found = re.search(r"RESULT (\d+) (\S*) END", shown)
    assert found is not None, shown[-500:]
    assert (int(found[1]), found[2]) == (PHONE, "")


def test_the_name_of_a_python_file_is_not_taken_for_markup() -> None:
    page = html_page("**See** app/__init__.py and __main__.py", {})
    assert "<strong>See</strong> app/__init__.py and __main__.py" in page
