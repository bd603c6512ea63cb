"""All sentences to people, from their tables: capital first, full stop last, plural right, notices in two segments."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.sms.body.gsm7 import count_segments
from channels.sms.body.plain import typed
from supervisor.protocol.text.template import Kind, Template
from tests.packaging.project import SHIPPED, python_files

TABLES = Path("supervisor/sentences")
"""The tables of the daemon; a channel has a module `sentences.py`."""

MAX_SEGMENTS = 2
"""The most segments of a text that nobody asked for."""

SAMPLES: dict[str, str | int] = {
    "calls": "Bash make deploy, Edit src/parser.py",
    "call": "Bash touch made.txt",
    "code": "BCDFG",
    "cost": 0,
    "count": 3,
    "dollars": "5",
    "limit": 1_000_000_000,
    "messages": 2,
    "minutes": 12,
    "project": "website",
    "quoted": '"Please have a look at the failing test of the parser, and m…"',
    "seconds": 12,
    "session": "01a22974-c319-7523-8481-127e08023eff",
    "spent": 1_120_300_000,
    "state": "active",
    "today": "$1.12 of $1.00",
    "total": 12_000_000_000,
    "who": "Bob",
    "whose": "your day",
    "why": "the daemon was restarted while it ran",
}
"""A value for each field of a template, by its name."""

UNITS = re.compile(r" (?:min|s|%|more)\b")
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
