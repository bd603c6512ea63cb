"""Replaces known words, such as names and ids, in texts of any length. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD = re.compile(r"[^\W_]+")


class Phrases:
    """Phrases and what stands in their place; of two at one place the longer one counts.

    A phrase is found where it begins and ends with a whole word. Upper and lower case count only where `add` says so.
    """

    def __init__(self) -> None:
        self._by_word: dict[str, dict[tuple[str, bool], str]] = {}
        self._sorted: dict[str, list[tuple[str, bool, str]]] = {}

    def add(self, phrase: str, replacement: str, *, exact: bool = False) -> None:
        """Add a phrase, or replace what stands in its place.

        Args:
            exact: upper and lower case count.
        """
        word = _WORD.search(phrase)
        if word is None:
            return
        phrase = phrase[word.start() :]
        key = _lower(word[0])
        self._by_word.setdefault(key, {})[phrase if exact else _lower(phrase), exact] = replacement
        self._sorted.pop(key, None)

    def update(self, phrases: Iterable[str], replacement: str) -> None:
        """Add several phrases with one replacement."""
        for phrase in phrases:
            self.add(phrase, replacement)

    def replace(self, text: str) -> str:
        """Return a text in which every phrase is replaced."""
        if not self._by_word:
            return text
        lowered = _lower(text)
        parts, at = [], 0
        for word in _WORD.finditer(text):
            start = word.start()
            if start < at:
                continue
            for phrase, exact, replacement in self._candidates(_lower(word[0])):
                end = start + len(phrase)
                if (text if exact else lowered).startswith(phrase, start) and not _goes_on(text, end):
                    parts += [text[at:start], replacement]
                    at = end
                    break
        return "".join([*parts, text[at:]])

    def _candidates(self, word: str) -> list[tuple[str, bool, str]]:
        """Return the phrases that begin with a word, the longest first."""
        if word not in self._by_word:
            return []
        if word not in self._sorted:
            found = [(phrase, exact, by) for (phrase, exact), by in self._by_word[word].items()]
            self._sorted[word] = sorted(found, key=lambda one: len(one[0]), reverse=True)
        return self._sorted[word]


def _goes_on(text: str, end: int) -> bool:
    """Return whether the word before a place goes on behind it."""
    return end < len(text) and text[end - 1].isalnum() and text[end].isalnum()


def _lower(text: str) -> str:
    """Return a text in lower case and of the same length: a letter whose lower case is longer stays as it is."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)
