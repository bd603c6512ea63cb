"""Which words are keywords."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.config import DEFAULT_KEYWORDS
from supervisor.routing.keywords import Keywords, inflections

DEFAULT = Keywords(DEFAULT_KEYWORDS)


@pytest.mark.parametrize(
    ("text", "keyword"),
    [
        ("run the tests", "run"),
        ("all tests pass", "test"),
        ("still testing?", "test"),
        ("it was tested", "test"),
        ("is it running", "run"),
        ("I committed it", "commit"),
        ("committing now", "commit"),
        ("two branches", "branch"),
        ("please FIX it", "fix"),
        ("fixes and fixed", "fix"),
        ("compiling", "compile"),
        ("compiled", "compile"),
        ("deployed", "deploy"),
        ("deploying", "deploy"),
        ("debugging", "debug"),
        ("bugs!", "bug"),
        ("status?", "status"),
        ("the statuses", "status"),
        ("coding", "code"),
        ("the project's colour", "project"),
        ("pre-build step", "build"),
        ("see test_intake", "test"),
        ("(git)", "git"),
    ],
)
def test_a_keyword_and_its_plain_inflections_are_found_as_whole_words(text: str, keyword: str) -> None:
    assert DEFAULT.find(text) == keyword


@pytest.mark.parametrize(
    "text",
    [
        "what is the latest news",
        "a protest in town",
        "greatest contest",
        "the digit of a legit fugitive",
        "prefix and suffix",
        "a rebuilding brunch",
        "decode it",
        "terrors",
        "debugger",
        "runner",
        "",
        "???",
    ],
)
def test_a_keyword_inside_another_word_is_none(text: str) -> None:
    assert DEFAULT.find(text) is None


def test_the_first_keyword_of_the_text_counts() -> None:
    assert DEFAULT.find("please commit the fix") == "commit"


def test_a_keyword_that_two_words_lead_to_is_the_one_configured_first() -> None:
    assert Keywords(["bus", "buse"]).find("buses") == "bus"
    assert Keywords(["buse", "bus"]).find("buses") == "buse"


def test_words_of_other_languages_are_compared_without_regard_to_case() -> None:
    assert Keywords(["Größe"]).find("die GRÖSSE bitte") == "Größe"
    assert Keywords(["тест"]).find("ТЕСТ") == "тест"


@pytest.mark.parametrize(
    ("word", "forms"),
    [
        ("test", {"test", "tests", "tested", "testing"}),
        ("query", {"query", "queries", "queried", "querying"}),
        ("deploy", {"deploy", "deploys", "deployed", "deploying"}),
        ("compile", {"compile", "compiles", "compiled", "compiling"}),
        ("fix", {"fix", "fixes", "fixed", "fixing"}),
        ("push", {"push", "pushes", "pushed", "pushing"}),
    ],
)
def test_inflections_are_the_regular_endings(word: str, forms: set[str]) -> None:
    assert inflections(word) == forms


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12))
def test_every_inflection_leads_back_to_its_keyword(word: str) -> None:
    keywords = Keywords([word])
    assert all(keywords.find(f"so, {form.upper()}!") == word for form in inflections(word))
    assert word in inflections(word)


@given(st.sampled_from(DEFAULT_KEYWORDS), st.text(alphabet="abcxyz", min_size=1, max_size=5))
def test_letters_before_a_keyword_make_another_word(word: str, before: str) -> None:
    glued = before + word
    if not any(glued in inflections(other) for other in DEFAULT_KEYWORDS):
        assert DEFAULT.find(glued) is None


@given(st.text())
def test_any_text_is_answered(text: str) -> None:
    assert DEFAULT.find(text) in {None, *DEFAULT_KEYWORDS}
