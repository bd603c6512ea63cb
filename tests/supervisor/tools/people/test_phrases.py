"""Known phrases are replaced as whole words, the longest first."""

from __future__ import annotations

import pytest

from supervisor.tools.people.phrases import Phrases


def made() -> Phrases:
    phrases = Phrases()
    phrases.add("Ann", "<1>", exact=True)
    phrases.add("Ann Lee", "<2>")
    phrases.add("'t Hooft", "<3>")
    phrases.add("usr_8f3a-1", "<4>")
    phrases.add("--", "<5>")
    return phrases


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("", ""),
        ("Ann Lee, Ann and ANN LEE", "<2>, <1> and <2>"),
        ("ann and Anna and Ann Leeds", "ann and Anna and <1> Leeds"),
        ("x_Ann_y", "x_<1>_y"),
        ("Gerard 't Hooft", "Gerard '<3>"),
        ("(usr_8f3a-1) usr_8f3a-12 usr_8f3a-1x", "(<4>) usr_8f3a-12 usr_8f3a-1x"),
        ("-- İ Ann Lee", "-- İ <2>"),
    ],
)
def test_whole_words_are_replaced(text: str, replaced: str) -> None:
    assert made().replace(text) == replaced


def test_the_last_replacement_of_a_phrase_counts() -> None:
    phrases = made()
    assert phrases.replace("ann lee") == "<2>"
    phrases.add("ann LEE", "<6>")
    assert phrases.replace("Ann Lee") == "<6>"
