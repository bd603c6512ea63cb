"""Keywords that match whole words and their regular inflections."""

from __future__ import annotations

import re
from collections.abc import Iterable

WORD = re.compile(r"[^\W_]+")
VOWELS = frozenset("aeiou")


class Keywords:
    """Finds the first keyword in a text, ignoring case: `tests` matches `test`; `latest` and `protest` do not.

    Args:
        words: the keywords as configured.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._forms = {form: word for word in reversed(list(words)) for form in inflections(word.casefold())}

    def find(self, text: str) -> str | None:
        """Return the first keyword in the text, or None."""
        return next(
            (self._forms[word] for word in WORD.findall(text.casefold()) if word in self._forms),
            None,
        )


def inflections(word: str) -> set[str]:
    """Return a word with its regular endings: -s, -ed, -ing."""
    forms = {word, f"{word}s"}
    if word.endswith(("s", "x", "z", "ch", "sh")):
        forms = {word, f"{word}es"}
    if word.endswith("y") and len(word) > 1 and word[-2] not in VOWELS:
        return {word, f"{word[:-1]}ies", f"{word[:-1]}ied", f"{word}ing"}
    if word.endswith("e"):
        return forms | {f"{word}d", f"{word[:-1]}ing"}
    forms |= {f"{word}ed", f"{word}ing"}
    if len(word) > 2 and word[-1] not in VOWELS | set("wxy") and word[-2] in VOWELS and word[-3] not in VOWELS:
        forms |= {f"{word}{word[-1]}ed", f"{word}{word[-1]}ing"}  # run, running; commit, committed
    return forms
