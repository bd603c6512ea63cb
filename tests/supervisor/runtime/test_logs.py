"""What is said on stderr: one line each, and never a secret."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.people.identity import new_token
from supervisor.runtime import logs
from supervisor.runtime.logs import Outage

SECRET = "hunter2-and/some more"
ANTHROPIC_KEY = "sk-ant-api03-AbCdEf_123-456"
TOKEN = new_token()
JWT = jwt.encode({"sub": "ada", "exp": 1}, "k" * 32, algorithm="HS256")

OURS = logging.getLogger("supervisor.turns.scheduler")


class Stderr:
    """What was written to stderr since the last `clear`."""

    def __init__(self, captured: pytest.CaptureFixture[str]) -> None:
        self._captured = captured
        self._text = ""

    def text(self) -> str:
        self._text += self._captured.readouterr().err
        return self._text

    def clear(self) -> None:
        self.text()
        self._text = ""


@pytest.fixture
def err(capsys: pytest.CaptureFixture[str]) -> Iterator[Stderr]:
    """What goes to stderr; logging is left as it was found."""
    names = (None, *logs.LIBRARIES, *logs.OURS)
    before = [(each, each.level, each.handlers[:], each.propagate) for each in map(logging.getLogger, names)]
    raising = logging.raiseExceptions
    yield Stderr(capsys)
    logging.raiseExceptions = raising
    for each, level, handlers, propagate in before:
        each.setLevel(level)
        each.handlers[:] = handlers
        each.propagate = propagate


def setup(level: str = "info", format: str = "text", *secrets: str) -> None:
    logs.setup(level, format, lambda: [SECRET, *secrets])


def test_a_line_says_when_how_grave_who_and_what(err: Stderr) -> None:
    setup()
    OURS.info("s1: turn %d ended", 7)
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO supervisor\.turns\.scheduler: s1: turn 7 ended\n", err.text()
    )


def test_a_json_line_is_an_object_for_programs(err: Stderr) -> None:
    setup("info", "json")
    OURS.warning("s1: turn %d\nended \u2028 é", 7)
    (line,) = err.text().splitlines()
    entry = json.loads(line)
    assert re.fullmatch(r"\d{4}-.*Z", entry.pop("time"))
    assert entry == {
        "level": "warning",
        "logger": "supervisor.turns.scheduler",
        "message": "s1: turn 7\nended \u2028 é",
    }


@pytest.mark.parametrize("format", ["text", "json"])
@pytest.mark.requirement(30)
def test_nobody_forges_a_line_or_moves_the_cursor(err: Stderr, format: str) -> None:
    setup("info", format)
    OURS.info("from %s", "x\n2026-01-01T00:00:00.000Z ERROR root: forged\r\x1b[2J\x00\x85\u2028\u202e\ud800")
    text = err.text()
    assert text.count("\n") == 1
    assert text.isascii()
    assert text.rstrip("\n").isprintable()


def test_a_traceback_follows_on_lines_that_cannot_be_taken_for_others(err: Stderr) -> None:
    setup()
    try:
        raise ValueError("first\nERROR root: forged\x1b")
    except ValueError:
        OURS.exception("it broke")
    head, *trace = err.text().splitlines()
    assert head.endswith("ERROR supervisor.turns.scheduler: it broke")
    assert all(line.startswith("  | ") for line in trace)
    assert "  | ValueError: first" in trace
    assert "  | ERROR root: forged\\x1b" in trace


def test_a_traceback_in_json_is_a_field(err: Stderr) -> None:
    setup("info", "json")
    try:
        raise ValueError(f"bad {SECRET}")
    except ValueError:
        OURS.exception("it broke", stack_info=True)
    entry = json.loads(err.text())
    assert "ValueError: bad ***" in entry["exception"]
    assert "Stack (most recent call last)" in entry["exception"]


LEAKS = [
    SECRET,
    f"a {SECRET} b",
    "https://x/?q=hunter2-and%2Fsome%20more",
    ANTHROPIC_KEY,
    TOKEN,
    JWT,
    f"Authorization: Bearer {SECRET}",
    "authorization: bearer abcdefghij",
    "Basic QUMxOmh1bnRlcjI=",
    f"GET /api/claude-chat/ws?token={JWT}&session_id=s1",
    "wss://x/?a=1&token=abcdefghij",
    "?access_token=abcdefghij",
    "{'token': 'abcdefghij', 'type': 'auth'}",
    '{"password": "abcdefghij"}',
    "x-api-key: 'abcdefghij'",
    "X-Api-Key: abcdefghij",
    "Cookie: session=abcdefghij; a=b",
    "(b'authorization', b'abcdefghij')",
    "ws://ada:abcdefghij@far.example/",
    f"Auth(token='{TOKEN}')",
    "password=abcdefghij",
]
GONE = [SECRET, "hunter2", ANTHROPIC_KEY[7:], TOKEN[4:], *JWT.split(".")[1:], "abcdefghij", "QUMxOmh1bnRlcjI"]


def assert_masked(text: str) -> None:
    assert [secret for secret in GONE if secret in text] == []
    assert "***" in text


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.replace(TOKEN, "TOKEN"))
@pytest.mark.parametrize("format", ["text", "json"])
def test_a_secret_is_masked_in_messages_arguments_and_exceptions(err: Stderr, format: str, leak: str) -> None:
    setup("debug", format)
    lines: list[tuple[object, tuple[object, ...]]] = [
        (leak.replace("%", "%%") + "%s", ("",)),
        ("frame %s", (leak,)),
        ("frame %r", ({"frame": leak},)),
        ("frame %(it)s", ({"it": leak},)),
        (Exception(leak), ()),
    ]
    for message, arguments in lines:
        err.clear()
        OURS.debug(message, *arguments)
        assert_masked(err.text())
    err.clear()
    try:
        try:
            raise OSError(leak)
        except OSError as error:
            raise RuntimeError(f"because of {leak}") from error
    except RuntimeError:
        OURS.exception("it broke")
    assert_masked(err.text())


def test_a_secret_with_a_line_break_is_masked_in_a_traceback_too(err: Stderr) -> None:
    setup("info", "text", "line one\nline two")
    try:
        raise ValueError("key: line one\nline two")
    except ValueError:
        OURS.exception("it broke with %s", "line one\nline two")
    assert "line two" not in err.text()


def test_a_secret_that_is_read_later_is_masked_from_then_on(err: Stderr) -> None:
    known: list[str] = []
    logs.setup("info", "text", lambda: known)
    known.append("swordfish")
    OURS.info("the word is swordfish")
    assert "swordfish" not in err.text()


def test_a_secret_that_is_part_of_another_leaves_nothing_of_it() -> None:
    assert logs.masked("abc abcdef", ["abc", "abcdef", ""]) == "*** ***"


@pytest.mark.parametrize(
    "text",
    [
        "max_tokens=1024 input_tokens=5",
        "/home/ada/project/tokens.py",
        "the token is unknown",
        "bearer of news",
        "basic authentication failed",
        "https://example.org/a@b",
        "secret: none was set",
        "user ada@example.org",
        "s1: 3 of 10 (70%)",
    ],
)
def test_ordinary_text_is_left_as_it_is(text: str) -> None:
    assert logs.masked(text, []) == text


def test_a_line_whose_arguments_do_not_fit_is_kept_and_masked(err: Stderr) -> None:
    setup()
    OURS.info("%d of %d " + SECRET, SECRET)
    text = err.text()
    assert "%d of %d *** (its arguments do not fit: TypeError)" in text
    assert SECRET not in text


def test_debug_is_ours_alone(err: Stderr) -> None:
    setup("debug")
    for name in ("aiosqlite", "httpx", "anthropic._base_client", "websockets.server", "some.library"):
        logging.getLogger(name).info("POST https://api.example %s", "with a body")
    OURS.debug("ours")
    logging.getLogger("channels.sms.channel").debug("ours too")
    assert [line.split(" ", 2)[2] for line in err.text().splitlines()] == [
        "supervisor.turns.scheduler: ours",
        "channels.sms.channel: ours too",
    ]


def test_what_libraries_warn_of_is_said_and_masked(err: Stderr) -> None:
    setup("info")
    logging.getLogger("uvicorn.error").error("failed for %s", SECRET)
    assert "uvicorn.error: failed for ***" in err.text()


@pytest.mark.parametrize("name", ["uvicorn", "uvicorn.access", "aiohttp.access", "websockets.server", "mail.log"])
def test_a_library_with_handlers_and_a_level_of_its_own_speaks_through_ours(err: Stderr, name: str) -> None:
    library, own = logging.getLogger(name), io.StringIO()
    library.addHandler(logging.StreamHandler(own))
    library.setLevel(logging.DEBUG)
    library.propagate = False
    setup()
    library.info("GET /?token=abcdefghij")
    library.warning("GET /?token=abcdefghij")
    assert own.getvalue() == ""
    assert err.text().endswith(f"WARNING {name}: GET /?token=***\n")
    assert err.text().count("\n") == 1


def test_a_higher_level_quiets_libraries_too(err: Stderr) -> None:
    setup("error")
    OURS.warning("no")
    logging.getLogger("uvicorn.error").warning("no")
    logging.getLogger("some.library").warning("no")
    assert err.text() == ""


def test_setting_up_twice_says_everything_once(err: Stderr) -> None:
    setup()
    setup("info", "json")
    OURS.info("once")
    assert err.text().count("once") == 1
    assert json.loads(err.text())["message"] == "once"


@given(st.text(), st.text(min_size=1))
@pytest.mark.requirement(30)
def test_no_text_around_a_secret_shows_it(text: str, secret: str) -> None:
    shown = logs.masked(f"{text}{secret}{text}", [secret])
    assert secret not in shown or secret in "***" or secret in text.replace(secret, "***") + "***" + text


@given(st.text())
def test_an_escaped_text_is_one_line(text: str) -> None:
    assert len(logs.escaped(text).splitlines()) <= 1


def test_an_outage_is_said_once_and_its_end_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    outage = Outage(logging.getLogger("tests.outage"), logging.WARNING)
    outage.works("%s works", "it")
    for _ in range(2):
        for _ in range(3):
            outage.failed("%s does not work: %s", "it", "why")
        assert outage.lasts
        for _ in range(3):
            outage.works("%s works", "it")
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "it does not work: why"),
        ("INFO", "it works"),
    ] * 2
