"""The people of the made-up programme."""

from __future__ import annotations

import random
import uuid

from examples.residency.data.entities import Person, PersonId

LEVELS = 3

_FIRST = (
    "Amara Ben Chloe Daniel Elif Farid Grace Hana Ivan Julia Kofi Lena Mateo Nadia Omar Priya Quentin Rosa Samir Tara "
    "Ugo Vera Wei Ximena Yusuf Zoe Aisha Bruno Carla Dmitri"
).split()
_LAST = (
    "Adeyemi Becker Castillo Dubois Eriksen Fischer Garcia Haddad Ito Jansen Kowalski Lopez Meyer Novak Okafor Patel "
    "Quispe Rossi Smith Tanaka Ueda Varga Walker Xu Yilmaz Zhang Almeida Brandt Chen Patel"
).split()


def people(source: random.Random, count: int) -> tuple[Person, ...]:
    """Return people, as many at each level as at the others; two are called Patel, one is called Smith."""
    first = [*_FIRST] * (count // len(_FIRST) + 1)
    source.shuffle(first)
    last = [_LAST[index % len(_LAST)] for index in range(count)]
    return tuple(
        Person(
            id=PersonId(str(uuid.UUID(int=source.getrandbits(128), version=4))),
            name=f"{first[index]} {last[index]}",
            level=index * LEVELS // count + 1,
        )
        for index in range(count)
    )
