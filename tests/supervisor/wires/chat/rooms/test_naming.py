"""Answers as their person reads them: names in the place of references, however the text is cut into pieces."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.protocol import events
from supervisor.protocol.messages import SessionId
from supervisor.protocol.wire.omit import OMIT
from supervisor.tools.people.book import Circle, PeopleBook
from supervisor.tools.people.people import Known, People
from supervisor.wires.chat.rooms.naming import Naming

C1 = SessionId("c1")
ANN = Known(reference="entity-4f5a1c2e", person="4f5a1c2e-ann", name="Ann Lee")
TWINS = [
    Known(reference="entity-1111aaaa", person="1111aaaa-bo", name="Bo Ek"),
    Known(reference="entity-2222bbbb", person="2222bbbb-bo", name="Bo Ek"),
]
TEXT = (
    "entity-4f5a1c2e swaps with entity-1111aaaa's friend; no-entity-4f5a1c2e, entity-99999999 and entity-4f5a1c2e-x "
    "stay, the entity- too. Then: entity-4f5a1c2e"
)
READ = (
    "Ann Lee swaps with Bo Ek (entity-1111aaaa)'s friend; no-entity-4f5a1c2e, entity-99999999 and entity-4f5a1c2e-x "
    "stay, the entity- too. Then: Ann Lee"
)


class KnownBook(PeopleBook):
    """A book with the people of c1."""

    def __init__(self, *known: Known) -> None:
        super().__init__()
        self.circle = self._circles[C1] = Circle(People(known))


def read(naming: Naming, *pieces: str) -> list[str]:
    """Return what goes out for each piece, and at the end."""
    return [*(naming.piece("m1", C1, piece) for piece in pieces), naming.rest("m1", C1)]


@given(st.lists(st.integers(0, len(TEXT)), max_size=40))
def test_a_text_reads_the_same_however_it_is_cut(cuts: list[int]) -> None:
    book = KnownBook(ANN, *TWINS)
    places = [0, *sorted(cuts), len(TEXT)]
    pieces = [TEXT[one:two] for one, two in pairwise(places)]
    assert "".join(read(Naming(C1, book), *pieces)) == READ


@pytest.mark.parametrize(
    ("pieces", "out"),
    [
        (("Ask ent", "ity-4f5a", "1c2e now"), ["Ask ", "", "Ann Lee now", ""]),
        (("Some", " text"), ["Some", " text", ""]),
        (("the e", "nd"), ["the ", "end", ""]),
        (("entity-", "4f5a1c2e"), ["", "", "Ann Lee"]),
        (("entity-" + "a" * 80, "b"), ["entity-" + "a" * 80, "b", ""]),
    ],
)
def test_only_what_may_be_a_reference_is_held_back(pieces: tuple[str, ...], out: list[str]) -> None:
    assert read(Naming(C1, KnownBook(ANN)), *pieces) == out


def test_where_nobody_is_known_nothing_is_held_back_or_changed() -> None:
    assert read(Naming(C1, KnownBook()), "ask ent", "ity-4f5a1c2e") == ["ask ent", "ity-4f5a1c2e", ""]
    assert read(Naming(C1, PeopleBook()), "ask ent", "ity-4f5a1c2e") == ["ask ent", "ity-4f5a1c2e", ""]


def test_the_people_of_another_conversation_are_not_named() -> None:
    naming = Naming(C1, KnownBook(ANN))
    assert naming.piece("m1", "c2", "entity-4f5a1c2e") == "entity-4f5a1c2e"
    assert naming.whole("c2", "entity-4f5a1c2e") == "entity-4f5a1c2e"
    assert naming.whole(C1, "entity-4f5a1c2e") == "Ann Lee"


def test_a_tool_call_has_names_in_its_input_and_its_result() -> None:
    naming = Naming(C1, KnownBook(ANN))
    given = {"person_id": "entity-4f5a1c2e", "more": [{"note": "for entity-4f5a1c2e"}, 3], "other": "entity-99999999"}
    begun = events.ClaudeCodeTool(
        session_id=C1, message_id="m1", tool_use_id="t1", name="swap", status="started", input=given
    )
    read = {"person_id": "Ann Lee", "more": [{"note": "for Ann Lee"}, 3], "other": "entity-99999999"}
    assert naming.call(begun) == replace(begun, input=read)
    ended = replace(begun, status="succeeded", input=OMIT, result="entity-4f5a1c2e is free")
    assert naming.call(ended) == replace(ended, result="Ann Lee is free")
    assert naming.call(replace(begun, session_id="c2")).input == given
    assert Naming(C1, PeopleBook()).call(begun) is begun


def test_who_becomes_known_in_the_middle_of_an_answer_is_named_from_then_on() -> None:
    book = KnownBook()
    naming = Naming(C1, book)
    assert naming.piece("m1", C1, "entity-4f5a1c2e ") == "entity-4f5a1c2e "
    book.circle.people = People([ANN])
    assert naming.piece("m1", C1, "entity-4f5a1c2e ") == "Ann Lee "
