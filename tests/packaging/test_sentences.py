"""All sentences to people, from their tables: capital first, full stop last, plural right, notices in two segments."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.sms.body.gsm7 import count_segments
from channels.sms.body.plain import typed
from supervisor.protocol.text.template import Kind, Template
from tests.packaging.project import SHIPPED, parsed, python_files

TABLES = Path("supervisor/sentences")
"""The tables of the daemon; a channel has a module `sentences.py`."""

MAX_SEGMENTS = 2
"""The most segments of a text that nobody asked for."""

SAMPLES: dict[str, str | int] = {
    "anchor": "2026-11-30T00:00:00Z 4711 00ff",
    "calls": "Bash make deploy, Edit src/parser.py",
    "added": 5_000_000_000,
    "address": "+15550100",
    "call": "Bash touch made.txt",
    "channel": "sms",
    "code": "BCDFG",
    "cost": 0,
    "count": 3,
    "dollars": "5",
    "files": 2,
    "first": "241",
    "forms": "YES BCDFG or NO BCDFG",
    "label": "Sign in with Corp",
    "last": "480",
    "length": "612",
    "link": "http://localhost:8787/sign-in#pJ3Tz0q0Y7d1c5mXQ2v8sWnR4kLbH6fAeGuZxTyIoPE",
    "limit": 1_000_000_000,
    "limit_name": "the limit of the session in website",
    "messages": 2,
    "minutes": 12,
    "most": 10_000_000_000,
    "parts": "a picture (photo.jpg)",
    "paths": "src/parser.py, README.md",
    "percent": 80,
    "place": "/srv/website",
    "project": "website",
    "projects": "website, shop",
    "quoted": '"Please have a look at the failing test of the parser, and m…"',
    "rule": "*a*a*a",
    "seconds": 12,
    "session": "01a22974-c319-7523-8481-127e08023eff",
    "spent": 1_120_300_000,
    "state": "active",
    "times": 10,
    "today": "$1.12 of $1.00",
    "tool": "Bash",
    "total": 12_000_000_000,
    "who": "Bob",
    "way": "text to",
    "what": "2 attachments, which were",
    "whom": "Alice or Bob (administrator)",
    "word": "RETRY",
    "why": "the daemon was restarted while it ran",
}
"""A value for each field of a template, by its name."""

UNITS = re.compile(r" (?:min\b|s\b|%|more\b|times\b)")
"""What may follow a bare number: it is the same in singular and plural."""


def tables() -> Iterator[tuple[str, Template]]:
    """Yield each template with its name, from every table."""
    for path in python_files(*SHIPPED):
        if path.name == "sentences.py" or path.parent == TABLES:
            table = ".".join(path.with_suffix("").parts)
            for name, value in vars(importlib.import_module(table)).items():
                if isinstance(value, Template):
                    yield f"{table}.{name}", value


TEMPLATES = dict(tables())


def filled(template: Template, **values: str | int) -> str:
    """Return what a person reads."""
    return template(**{name: values.get(name, SAMPLES[name]) for name in template.fields})


def of_kind(*kinds: Kind) -> list[str]:
    return [name for name, template in TEMPLATES.items() if template.kind in kinds]


def test_there_are_tables() -> None:
    assert len(TEMPLATES) > 10


@pytest.mark.parametrize("name", TEMPLATES)
def test_each_field_has_a_sample(name: str) -> None:
    assert sorted(set(TEMPLATES[name].fields) - SAMPLES.keys()) == []


@pytest.mark.parametrize("name", of_kind(Kind.SENTENCE, Kind.NOTICE))
def test_sentences_begin_with_a_capital_and_end_with_a_full_stop(name: str) -> None:
    text = filled(TEMPLATES[name])
    assert text[-1] in ".?", text
    beginnings = re.findall(r"(?:^|[.?!] )(\S)", text)
    assert not [first for first in beginnings if first.islower()], text


@pytest.mark.parametrize("name", of_kind(Kind.CLAUSE, Kind.LINE))
def test_parts_of_sentences_have_no_full_stop(name: str) -> None:
    assert not filled(TEMPLATES[name]).endswith("."), "its place adds the full stop"


@pytest.mark.parametrize("name", TEMPLATES)
def test_plurals_are_right(name: str) -> None:
    template = TEMPLATES[name]
    for field, spec in template.fields.items():
        assert isinstance(SAMPLES[field], int) or not spec, f"{field} is a number or money"
        if isinstance(SAMPLES[field], int) and not spec:
            assert UNITS.match(template.text.partition(f"{{{field}}}")[2]), f"{field} needs its noun: {{{field}:noun}}"
        elif spec not in ("", "$"):
            one, _, many = spec.partition("|")
            assert f"1 {one}" in filled(template, **{field: 1})
            assert f"2 {many or one + 's'}" in filled(template, **{field: 2})


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_plural_in_brackets(name: str) -> None:
    assert "(s)" not in TEMPLATES[name].text


@pytest.mark.parametrize("name", of_kind(Kind.NOTICE))
def test_notices_fit_two_segments(name: str) -> None:
    text = typed(filled(TEMPLATES[name]))
    assert count_segments(text) <= MAX_SEGMENTS, text


TO_PEOPLE = (
    *("commands", "approvals", "intake", "turns", "background", "delivery", "spending", "routing", "people", "undo"),
)
"""The packages of the daemon that speak to people; channels do as well."""

PROMPTS = {Path("supervisor/commands/resume.py"), Path("supervisor/turns/suspension.py")}
"""Modules with prompts: a model reads them."""

SENTENCE = re.compile(r"[A-Z\[*(](?!\?).* .*[.?:]", re.DOTALL)
"""A text that looks like one for people."""


def test_no_sentence_stands_outside_of_the_tables() -> None:
    packages = [*(f"supervisor/{name}" for name in TO_PEOPLE), "channels"]
    paths = [path for path in python_files(*packages) if path.name != "sentences.py" and path not in PROMPTS]
    found = [f"{path}:{number}: {text}" for path in paths for number, text in sentences_in(parsed(path))]
    assert [one for one in found if "(?=" not in one] == [], "put it into a table, see protocol/text/template.py"


def sentences_in(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the texts of a module that look like sentences, with their lines; docstrings, log and asserts left out."""
    left_out = {id(inner) for node in ast.walk(module) if is_for_developers(node) for inner in ast.walk(node)}
    parts = {id(value) for node in ast.walk(module) if isinstance(node, ast.JoinedStr) for value in node.values}
    for node in ast.walk(module):
        if id(node) not in left_out | parts and (text := text_of(node)) and SENTENCE.fullmatch(text):
            yield node.lineno, text  # type: ignore[attr-defined]  # it is an expression


def text_of(node: ast.AST) -> str:
    """Return the text of a string literal, X in place of each value; empty for other nodes."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(value.value) if isinstance(value, ast.Constant) else "X" for value in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def is_for_developers(node: ast.AST) -> bool:
    """Return whether no user reads the texts of a statement: a docstring, a log line or an assertion."""
    match node:
        case ast.Expr(value=ast.Constant()) | ast.Assert():
            return True
        case ast.Call(func=ast.Attribute(value=ast.Name(id="logger"))) | ast.Call(func=ast.Name(id="AssertionError")):
            return True
        case _:
            return False


def test_a_sentence_in_the_code_is_found() -> None:
    code = '''
def told(name):
    """Return what somebody is told."""
    logger.info("This is logged.")
    assert name, "This never happens."
    return f"Nobody has the name {name}."
'''
    assert list(sentences_in(ast.parse(code))) == [(6, "Nobody has the name X.")]


BARE_PLURAL = re.compile(
    r"X (?:\w+ )?(messages|sessions|files|questions|turns|texts|mails|replies|users|projects|approvals|attachments)\b"
)
"""A number with a plural behind it, which is wrong for 1."""


def test_no_number_stands_before_a_bare_plural() -> None:
    found = [
        f"{path}:{node.lineno}: {text}"
        for path in python_files(*SHIPPED)
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.JoinedStr) and BARE_PLURAL.search(text := text_of(node)) and "SELECT" not in text
    ]
    assert found == [], "use supervisor.protocol.text.amounts.counted"
