"""Formats of money and ages, and what goes to which stream."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cli import show
from supervisor.config import Config, ProjectConfig


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (None, "-"),
        (0.0, "$0.00"),
        (0.000123, "$0.000123"),
        (0.000000001, "$0.000000001"),
        (0.0123, "$0.0123"),
        (0.12345, "$0.123"),
        (0.5, "$0.50"),
        (0.9999, "$1.00"),
        (1.234, "$1.23"),
        (12345.678, "$12,345.68"),
    ],
)
def test_money_has_the_digits_that_tell_something(usd: float | None, text: str) -> None:
    assert show.money(usd) == text


def test_amounts_of_one_column_have_the_same_decimals() -> None:
    assert show.amounts([0.000123, 4.56, None, 0.0, 1234.0]) == [
        "$0.000123",
        "$4.560000",
        "-",
        "$0.000000",
        "$1,234.000000",
    ]
    assert show.amounts([1.1203, 1.0]) == ["$1.12", "$1.00"]
    assert show.amounts([]) == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (7200, "2 h"), (200_000, "2 d")],
)
def test_age_is_in_its_largest_unit(seconds: float, text: str) -> None:
    assert show.age(seconds) == text


def test_time_since_a_timestamp() -> None:
    now = datetime(2026, 1, 1, 12, 3, tzinfo=UTC)
    assert show.since("2026-01-01T12:00:00.000Z", now) == "3 min"
    assert show.since(None) == "-"
    assert show.since("yesterday") == "yesterday"


def test_missing_and_odd_moments_are_shown_as_they_are() -> None:
    assert show.moment(None) == "-"
    assert show.moment("soon") == "soon"


def test_project_is_named_by_its_path() -> None:
    config = Config(projects={"website": ProjectConfig(path="/srv/website")})
    assert show.project(config, "/srv/website/") == "website"
    assert show.project(config, "/srv/other") == "/srv/other"


def test_document_is_json_and_notes_are_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    show.note("beside")
    show.document({"a": "\ud800"})
    captured = capsys.readouterr()
    assert captured.out == '{\n  "a": "\\ud800"\n}\n'
    assert captured.err == "beside\n"
