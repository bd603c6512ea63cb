"""Search by a `tsvector`: words are split and folded here, so that both engines find the same."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from supervisor.store.messages.search import EXCERPT_WORDS, SqlSearch, find_sql, spaced, words_of
from supervisor.store.transaction import Reader, Transaction

MOST_POSITIONS = 16_383
"""Of the words of a `tsvector`; what comes later in a longer text is not found."""
MOST_BYTES = 500
"""Of a word in the index."""
MOST_OF_TURN = 1_000_000
"""Bytes of all words of a turn: PostgreSQL refuses a `tsvector` of 1 MiB. What comes later is not found."""
OF_PLACE = 8
"""At most so many bytes are added to a word for each place of it."""

_ADD = "INSERT INTO search (rowid, question, answer, words) VALUES (?, ?, ?, CAST(? AS TSVECTOR))"
_FIND = find_sql("search.question, search.answer", "search.words @@ CAST(:query AS TSQUERY)")
_WORD = re.compile(r"[^\W_]+")
_SIGNS = frozenset(string.punctuation + string.whitespace)
_APART = re.compile(r"[^\W_\u200b]+")


class PostgresSearch(SqlSearch):
    """The search in a table with a `tsvector`."""

    def query(self, words: str) -> str:
        """Return the `tsquery`: the characters of a script without blanks follow one another."""
        return " & ".join("(" + " <-> ".join(folded) + ":*)" for folded in _wanted(words))

    def add(self, tx: Transaction, turn_id: int, question: str, answer: str) -> None:
        """Index the words of a turn."""
        tx.execute(_ADD, (turn_id, question, answer, indexed_words(question, answer)))

    def rows(self, connection: Reader, words: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Return what is found, with excerpts in which the words are marked."""
        wanted = _wanted(words)
        found = connection.execute(_FIND, values).fetchall()
        return [(*row, _excerpt(question, wanted), _excerpt(answer, wanted)) for *row, question, answer in found]


def indexed_words(question: str, answer: str) -> str:
    """Return the words of a turn as a `tsvector`; between question and answer is a gap, which no phrase crosses."""
    asked = _folded(question)
    places = chain(enumerate(asked, 1), enumerate(_folded(answer), len(asked) + 2))
    indexed, size = [], 0
    for place, word in places:
        size += len(word.encode()) + OF_PLACE
        if place > MOST_POSITIONS or size > MOST_OF_TURN:
            break
        if word:
            indexed.append(f"{word}:{place}")
    return " ".join(indexed)


def _wanted(words: str) -> list[list[str]]:
    phrases = ([part for part in _folded(word) if part] for word in words_of(words))
    return [phrase for phrase in phrases if phrase]


def _folded(text: str) -> list[str]:
    return [fold(text[begin:end]) for begin, end in _spans(text)]


def fold(word: str) -> str:
    """Return a word in small letters and without accents, as it stands in the index; empty = nothing is left of it.

    The plain form of some characters has signs that mean something in the index or a query: that of "⑴" is "(1)".
    """
    plain = "".join(
        char for char in unicodedata.normalize("NFKD", word) if not unicodedata.combining(char) and char not in _SIGNS
    )
    return plain.lower().encode()[:MOST_BYTES].decode(errors="ignore")


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Return where the words of a text begin and end; a character of a script without blanks is a word."""
    for word in _WORD.finditer(text):
        begin = word.start()
        for part in _APART.findall(spaced(word[0])):
            yield begin, begin + len(part)
            begin += len(part)


def _excerpt(text: str, wanted: Sequence[Sequence[str]]) -> str:
    """Return the words around the first that was looked for; without one, the first words of the text."""
    spans = list(_spans(text))
    words = [fold(text[begin:end]) for begin, end in spans]
    marked: set[int] = set()
    for place in range(len(words)):
        for phrase in wanted:
            part = words[place : place + len(phrase)]
            if len(part) == len(phrase) and part[:-1] == phrase[:-1] and part[-1].startswith(phrase[-1]):
                marked.update(range(place, place + len(phrase)))
    first = max(0, min(marked, default=0) - EXCERPT_WORDS // 4)
    last = min(len(spans), first + EXCERPT_WORDS) - 1
    if last < 0:
        return text
    begin = spans[first][0] if first else 0
    end = spans[last][1] if last < len(spans) - 1 else len(text)
    shown, at = "…" if first else "", begin
    for place in range(first, last + 1):
        if place in marked:
            shown += f"{text[at : spans[place][0]]}\x01{text[slice(*spans[place])]}\x02"
            at = spans[place][1]
    return shown + text[at:end] + ("…" if end < len(text) else "")
