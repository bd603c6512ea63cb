"""The factor of the deadlines: measured or set by hand, never below 1, and the same in children."""

from __future__ import annotations

import os

import pytest

from tests.slowness import SETTING, inherited, measured, scaled, settle, slowness


def test_deadlines_are_multiplied_by_the_factor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "2.5")
    assert scaled(10) == 25
    assert inherited() == {SETTING: "2.5"}


def test_deadlines_are_as_they_are_where_nothing_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SETTING)
    assert scaled(10) == 10


def test_a_factor_that_is_set_by_hand_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "4")
    assert settle() == slowness() == 4


def test_without_one_it_is_measured_once_and_kept_for_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "")
    assert settle() == slowness() >= 1
    assert os.environ[SETTING] == str(slowness())


@pytest.mark.parametrize("given", ["fast", "0.5", "0", "-1", "nan", "inf"])
def test_what_is_no_factor_is_refused(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv(SETTING, given)
    with pytest.raises(ValueError, match=f"^{SETTING}: must be a number, 1 or more, and is '{given}'$"):
        settle()


def test_the_measurement_is_a_ratio() -> None:
    assert 0.1 < measured() < 1_000
