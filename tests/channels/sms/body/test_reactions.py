"""Reactions to our texts, as phones report them."""

from __future__ import annotations

import pytest

from channels.sms.body.reactions import is_reaction, may_be_reaction
from tests.cost import assert_linear

OURS = ["Done.", 'The tests pass: "make test" took 4 s, and nothing else was changed in the project.']
LONG = OURS[1]


@pytest.mark.parametrize(
    "text",
    [
        "Liked “Done.”",
        'Liked "Done."',
        "Loved “Done.”",
        "Disliked “Done.”",
        "Laughed at “Done.”",
        "Emphasized “Done.”",
        "Emphasised “Done.”",
        "Questioned “Done.”",
        "Removed a like from “Done.”",
        "Removed a heart from “Done.”",
        "Removed an exclamation from “Done.”",
        "Removed a question mark from “Done.”",
        "Reacted 🎉 to “Done.”",
        "Removed 🎉 from “Done.”",
        "👍 to “Done.”",
        " ❤️ to “ Done. ” ",
        "Gefällt „Done.“",
        "Gefällt „Done.“ nicht",
        "Hat „Done.“ mit „Gefällt mir“ markiert",
        "Lacht über „Done.“",
        "Hat ein Herz von „Done.“ entfernt",
        "Hat mit 👍 auf „Done.“ reagiert",
        "A aimé « Done. »",
        "N’a pas aimé « Done. »",
        "A ri de « Done. »",
        "A réagi avec 😂 à « Done. »",
        "Le gustó “Done.”",
        "Le encantó “Done.”",
        "Gostou de “Done.”",
        "Ha messo “Mi piace” a “Done.”",
        "Vond “Done.” leuk",
        "Gillade ”Done.”",
        "Понравилось «Done.»",
        "「Done.」に「いいね」しました",
        "“Done.”を強調しました",
        "赞了“Done.”",
        "'Done.'을(를) 좋아함",
        f"Liked “{LONG}”",
        f"Liked “{LONG[:40]}…”",
        f"Liked “{LONG}\nReply MORE for the rest”",
        f"Liked “Trial: {LONG}”",
    ],
)
def test_a_reaction_to_our_text_is_recognised(text: str) -> None:
    assert may_be_reaction(text)
    assert is_reaction(text, OURS, notes=("Trial: ", "Reply MORE for the rest"))


@pytest.mark.parametrize(
    "text",
    [
        "Liked “Run the tests”",  # not our words
        "Liked “Done”, but commit it too, please",
        "What does “Done.” mean",
        "👍 but what is “Done.”?",
        "Liked an image",
        "Done.",
        "“Done.”",
        "to “Done.”",
        "Write “Done.” to the file",
        "no “Done.”",
        "Mark “Done.”",
        "Question: “Done.”",
        "Vraag “Done.”",
        "Pas de “Done.”",
        f"Fix this: “{LONG}”",
        "Liked",
        "👍",
        "",
        "Liked “”",
        "Liked “one”",
        f"Liked “{LONG[:6]}”",
    ],
)
def test_what_a_person_writes_is_no_reaction(text: str) -> None:
    assert not is_reaction(text, OURS)


def test_without_texts_of_ours_nothing_is_a_reaction() -> None:
    assert not is_reaction("Liked “Done.”", [])


@pytest.mark.parametrize("piece", ["“", "Liked “Done.”", "👍 ", "a “", "”"])
def test_texts_are_read_in_linear_time(piece: str) -> None:
    assert_linear(lambda size: lambda: is_reaction(piece * (size // len(piece)), OURS), 2_000)
