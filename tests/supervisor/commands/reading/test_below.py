"""What stands below a yes: a signature, more words, or doubt."""

from __future__ import annotations

import pytest

from supervisor.commands.reading import words
from supervisor.commands.reading.below import MAX_LENGTH, Below, below, is_doubt, is_farewell
from tests.cost import assert_linear


@pytest.mark.parametrize(
    "text",
    [
        "Thanks,\nAda",
        "\nBest regards\n\nAda Lovelace\nCTO, Acme Inc.\n+49 30 1234567\nada@example.org | www.example.org",
        "Ada",
        "Viele Grüße\nAda von Byron",
        "Mit freundlichen Grüßen\nA. Lovelace",
        "Merci beaucoup,\nAda",
        "Un saludo,\nAda",
        "Muito obrigada!\nAda",
        "Cordiali saluti\nAda",
        "Met vriendelijke groet,\nAda",
        "Pozdrawiam\nAda",
        "Med venlig hilsen\nAda",
        "Спасибо!\nАда",
        "よろしくお願いします\n山田",
        "谢谢",
        "감사합니다\n김철수",
        "Ada\n\nThis e-mail is confidential. If you are not the intended recipient, do not read it and delete it.",
        "Ada\n\nPlease consider the environment before printing this e-mail, and print it only if you must.",
        "\n> Run it?\n> not now",
    ],
)
def test_a_signature_is_no_doubt(text: str) -> None:
    assert below(text.split("\n")) is Below.CLOSING


@pytest.mark.parametrize(
    "text",
    [
        "no wait",
        "but not in production",
        "Wait!",
        "Thanks, but not now",
        "Is it safe?",
        "hmm...",
        "hmmm",
        "Only in the test folder please",
        "nein, warte",
        "Aber bitte erst morgen",
        "attends",
        "Mais pas maintenant",
        "espera",
        "não agora",
        "aspetta un momento",
        "wacht even",
        "poczekaj chwilę",
        "vent lige",
        "vänta lite",
        "подожди",
        "等一下",
        "ちょっと待って",
        "잠깐만요",
        "bekle",
        "lütfen onu bugün çalıştırma sakın ha",
        "run it",
        "NO KXQPT",
    ],
)
def test_what_may_contradict_a_yes_is_doubt(text: str) -> None:
    assert below(text.split("\n")) is Below.DOUBT


@pytest.mark.parametrize(
    "text",
    [
        "Please also update the changelog and the docs.",
        "Bitte auch die Dokumentation anpassen.\n\nGrüße\nAda",
        "Puis mets à jour la documentation",
        "これも更新してください。お願いします。",
    ],
)
def test_further_words_are_told_from_doubt(text: str) -> None:
    assert below(text.split("\n")) is Below.MORE


def test_nothing_below_is_nothing() -> None:
    assert below(["", "  "]) is Below.NOTHING


@pytest.mark.parametrize(
    ("text", "farewell"), [("\nThanks\nAda", True), ("Ada", False), ("Thanks, but wait", False), ("", False)]
)
def test_a_farewell_begins_with_a_closing(text: str, farewell: bool) -> None:
    assert is_farewell(text.split("\n")) is farewell


@pytest.mark.parametrize(
    ("tail", "doubt"), [("correct horse battery", False), ("no wait", True), ("go!", False), ("why?", True)]
)
def test_words_behind_a_yes_may_be_doubt(tail: str, doubt: bool) -> None:
    assert is_doubt(tail) is doubt


@pytest.mark.parametrize("piece", [" ", "\n", "1 ", "many ", "A", "hm", "> \n", "a@", "Ada\n", "YES KXQPT "])
def test_the_time_is_linear(piece: str) -> None:
    assert_linear(lambda size: lambda: words.parse("YES KXQPT\n" + piece * (size // len(piece)) + "x"), 2_000)


def test_a_long_text_is_doubt() -> None:
    assert below(["Ada"] * MAX_LENGTH) is Below.DOUBT
    assert is_doubt("x" * (MAX_LENGTH + 1))
