"""People by their name, as somebody writes it."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Mapping

from examples.residency.data.entities import Person, PersonId

_TITLES = frozenset({"dr", "doctor", "prof", "mr", "mrs", "ms"})


def find_people(people: Mapping[PersonId, Person], name: str) -> list[Person]:
    """Return the people whose name has every word of `name`, or a beginning of it; otherwise those most like it."""
    wanted = _words(name)
    if not wanted:
        return []
    names = {person.id: _words(person.name) for person in people.values()}
    exact = [person for person in people.values() if all(word in names[person.id] for word in wanted)]
    if exact:
        return exact
    begun = [
        person
        for person in people.values()
        if all(any(word.startswith(part) for word in names[person.id]) for part in wanted)
    ]
    if begun:
        return begun
    words = sorted({word for found in names.values() for word in found})
    like = {match for part in wanted for match in difflib.get_close_matches(part, words, n=2, cutoff=0.75)}
    return [person for person in people.values() if like & set(names[person.id])]


def _words(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold()
    words = [word.strip(".,") for word in plain.replace("-", " ").split()]
    return [word for word in words if word and word not in _TITLES]
