"""The reference under which a model knows a person: `entity-` and the beginning of the id. No I/O."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection

PREFIX = "entity-"

LENGTH = 8
"""Characters of an id in its reference; more where two ids begin alike."""

REFERENCE = re.compile(rf"(?<![0-9A-Za-z_-]){PREFIX}[0-9A-Za-z](?:[0-9A-Za-z_-]*[0-9A-Za-z])?")
"""What counts as a reference in a text."""

_PLAIN = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]*")


def new_reference(person: str, names: Collection[str], others: Collection[str], taken: Collection[str]) -> str:
    """Return the reference of a person.

    It is the shortest beginning of the id, of at least 8 characters, that no other id has. An id that is no longer, or
    that may tell who it is (no digit at its beginning, a part of the name, a mail address), is replaced by its hash.

    Args:
        person: the id as text.
        names: the names of the person.
        others: the ids of all other people, as texts.
        taken: the references of other people.
    """
    if _is_opaque(person, names):
        for length in range(LENGTH, len(person)):
            beginning = person[:length]
            reference = PREFIX + beginning
            if not beginning[-1].isalnum() or reference in taken:
                continue
            if not any(other.startswith(beginning) for other in others if other != person):
                return reference
    digits = hashlib.sha256(person.encode(errors="surrogatepass")).hexdigest()
    for length in range(LENGTH, len(digits) + 1):
        if (reference := PREFIX + digits[:length]) not in taken:
            return reference
    raise AssertionError("two ids with one SHA-256")


def _is_opaque(person: str, names: Collection[str]) -> bool:
    if len(person) <= LENGTH or not _PLAIN.fullmatch(person) or not any(c.isdigit() for c in person[:LENGTH]):
        return False
    told = person.casefold()
    words = (word for name in names for word in re.findall(r"[^\W\d_]{3,}", name.casefold()))
    return not any(word in told for word in words)
