"""The people of one conversation: what a model, a server and a screen get in the place of each. No I/O."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from supervisor.protocol.values.record import record
from supervisor.tools.people.fields import Fields, Found, Json, PersonId, find
from supervisor.tools.people.phrases import Phrases
from supervisor.tools.people.references import REFERENCE, new_reference
from supervisor.tools.people.view import seen

WITHHELD = "(name withheld)"
"""What a model gets in the place of a name that belongs to no id."""

LEAST_NAME = 3
"""Characters of the shortest name, and part of a name, that is looked for in other texts."""

_TITLES = frozenset("dr prof mr mrs ms mx miss sir md phd".split())
_PARTS = re.compile(r"[^\W\d_]{3,}")


@record
class Known:
    """What is known of a person; there may be several with one reference, one for each name.

    Attributes:
        reference: empty = a name without an id.
        person: the id; None = there is none.
        name: empty = not known yet.
    """

    reference: str
    person: PersonId | None
    name: str


class UnknownReference(Exception):
    """A reference of the model that stands for nobody.

    Attributes:
        reference: as the model wrote it.
    """

    def __init__(self, reference: str) -> None:
        super().__init__(reference)
        self.reference = reference

    def __str__(self) -> str:
        return f"{self.reference} stands for nobody in this conversation"


class People:
    """The people of one conversation, over all servers with fields of people.

    Args:
        known: what is known from earlier, in the order in which it became known.
    """

    def __init__(self, known: Iterable[Known] = ()) -> None:
        self._references: dict[PersonId, str] = {}
        self._persons: dict[str, PersonId] = {}  # by reference
        self._names: dict[str, list[str]] = {}  # by reference; "" = without an id
        self._bearers: dict[str, set[str]] = {}  # references by name
        self._hidden = Phrases()
        self._told = Phrases()  # names by id
        self._parts: dict[str, str] = {}
        self.take(known)

    def take(self, known: Iterable[Known]) -> None:
        """Take in what is known from earlier or from elsewhere; what is known here already changes nothing."""
        for one in known:
            self._note(one)

    def learn(self, value: Json, fields: Fields) -> list[Known]:
        """Take the people of a result in; return what was not known, to be kept before a model gets anything."""
        found = find(value, fields)
        texts = [str(person) for person in (*self._references, *found.people)]
        return [*self._new_people(found, texts), *self._new_names(found)]

    def for_model(self, value: Json, fields: Fields) -> Json:
        """Return a result as a model may see it: references in the place of ids and names."""
        return seen(value, fields, ForModel(self))

    def for_person(self, value: Json, fields: Fields) -> Json:
        """Return a result as its person sees it: names in the place of ids."""
        return seen(value, fields, ForPerson(self))

    def hidden(self, text: str) -> str:
        """Return a text in which each known id and name is replaced by its reference."""
        return self._hidden.replace(unicodedata.normalize("NFC", text))

    def told(self, text: str) -> str:
        """Return a text as its person reads it: names in the place of ids."""
        return self._told.replace(text)

    def __bool__(self) -> bool:
        """Whether any reference stands for somebody."""
        return bool(self._persons)

    def read(self, text: str, start: int = 0) -> str:
        """Return a text of the model as its person reads it: names in the place of references that are known.

        Args:
            start: where it begins; what is before is only looked at.
        """
        parts, at = [], start
        for match in REFERENCE.finditer(text, start) if self._persons else ():
            parts += [text[at : match.start()], self._as_read(match[0])]
            at = match.end()
        return "".join([*parts, text[at:]])

    def read_in(self, value: Any) -> Any:
        """Return a value of JSON as its person reads it: each text in it as `read` gives it."""
        return self._replaced(value, self._as_read) if self._persons else value

    def reference(self, person: PersonId) -> str:
        """Return the reference of a person whom `learn` has taken in."""
        return self._references[person]

    def name(self, person: PersonId) -> str:
        """Return how a screen names a person: by the newest name, or the reference; by both where two are named so."""
        reference = self._references[person]
        names = self._names[reference]
        if not names:
            return reference
        return names[-1] if len(self._bearers[names[-1]]) < 2 else f"{names[-1]} ({reference})"

    def restored(self, value: Any) -> Any:
        """Return the arguments of a call with ids in the place of references.

        Raises:
            UnknownReference: a reference stands for nobody.
        """
        return self._replaced(value, self._person)

    def named(self, value: Any) -> Any:
        """Return the arguments of a call as its person reads them: names in the place of references.

        Raises:
            UnknownReference: a reference stands for nobody.
        """
        return self._replaced(value, lambda reference: self.name(self._person(reference)))

    def _as_read(self, reference: str) -> str:
        person = self._persons.get(reference)
        return reference if person is None else self.name(person)

    def _new_people(self, found: Found, texts: list[str]) -> list[Known]:
        fresh = []
        for person, names in found.people.items():
            reference = self._references.get(person)
            if reference is None:
                reference = new_reference(str(person), names, texts, self._persons)
                fresh.append(self._note(Known(reference=reference, person=person, name=names[0] if names else "")))
            new = [name for name in names if name not in self._names[reference]]
            fresh += [self._note(Known(reference=reference, person=person, name=name)) for name in new]
        return fresh

    def _new_names(self, found: Found) -> list[Known]:
        known = self._names.get("", [])
        return [self._note(Known(reference="", person=None, name=name)) for name in found.nameless if name not in known]

    def _note(self, one: Known) -> Known:
        names = self._names.setdefault(one.reference, [])
        if one.person is not None and one.person not in self._references:
            self._references[one.person] = one.reference
            self._persons[one.reference] = one.person
            if isinstance(one.person, str) and len(one.person) >= LEAST_NAME:
                self._hidden.add(one.person, one.reference)
        if one.name and one.name not in names:
            names.append(one.name)
            self._bearers.setdefault(one.name, set()).add(one.reference)
            self._hide_name(unicodedata.normalize("NFC", one.name), one.reference or WITHHELD)
        person = self._persons.get(one.reference)
        if isinstance(person, str) and len(person) >= LEAST_NAME:
            self._told.add(person, self.name(person), exact=True)
        return one

    def _hide_name(self, name: str, reference: str) -> None:
        if len(name.strip()) >= LEAST_NAME:
            # One word alone may be a common word too: "Will", "May".
            self._hidden.add(name.strip(), reference, exact=len(name.split()) == 1)
        for part in _PARTS.findall(name):
            if part.lower() in _TITLES or part == part.lower() or part == name.strip():
                continue
            of = self._parts.setdefault(part, reference)
            self._hidden.add(part, reference if of == reference else WITHHELD, exact=True)

    def _person(self, reference: str) -> PersonId:
        try:
            return self._persons[reference]
        except KeyError:
            raise UnknownReference(reference) from None

    def _replaced(self, value: Any, by: Callable[[str], PersonId]) -> Any:
        match value:
            case str():
                if REFERENCE.fullmatch(value):
                    return by(value)
                return REFERENCE.sub(lambda match: str(by(match[0])), value)
            case Mapping():
                return {str(self._replaced(key, by)): self._replaced(item, by) for key, item in value.items()}
            case list() | tuple():
                return [self._replaced(item, by) for item in value]
            case _:
                return value


@dataclass(frozen=True, slots=True)
class ForModel:
    """How a model sees people: by references alone."""

    people: People

    def person(self, person: PersonId) -> str:
        """Return the reference."""
        return self.people.reference(person)

    def name(self, value: Json, person: PersonId | None) -> Json:
        """Return the reference."""
        return WITHHELD if person is None else self.people.reference(person)

    def text(self, text: str) -> str:
        """Return the text without the ids and names that are known."""
        return self.people.hidden(text)


@dataclass(frozen=True, slots=True)
class ForPerson:
    """How a screen shows people: by name."""

    people: People

    def person(self, person: PersonId) -> str:
        """Return the name."""
        return self.people.name(person)

    def name(self, value: Json, person: PersonId | None) -> Json:
        """Return the name as the server wrote it."""
        return value

    def text(self, text: str) -> str:
        """Return the text with names in the place of the ids that are known."""
        return self.people.told(text)
