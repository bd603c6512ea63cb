"""Which messages may mean YES CODE or NO CODE without being that."""

from __future__ import annotations

import pytest

from supervisor.commands.reading.loose import MAX_LENGTH, parse_loose
from supervisor.commands.reading.words import Command, Word


@pytest.mark.parametrize(
    "text",
    [
        *("yes", "Yes!", "y", "ok", "yes please", "Go ahead.", "do it", "sure, thanks", "yes kxqp", "ok KXQP7"),
        *("Ja", "ja bitte", "oui, merci", "sí, por favor", "Sim", "va bene", "tak", "Да!", "はい", "好的", "네"),
        *("👍", "👍🏽", "✅", "> May it run?\nyes"),
    ],
)
def test_a_yes_without_a_code_may_mean_one(text: str) -> None:
    assert parse_loose(text) == Command(Word.YES, loose=True)


@pytest.mark.parametrize("text", ["no", "Nope.", "nein danke", "non merci", "нет", "いいえ", "👎", "don't", "no kxqp"])
def test_a_no_without_a_code_may_mean_one(text: str) -> None:
    assert parse_loose(text) == Command(Word.NO, loose=True)


@pytest.mark.parametrize(
    "text", ["NO KXQPT, use the other file", "no [kxqpt]!", "NOKXQPT", "Nein, KXQPT\nnimm b.txt", "👎 KXQPT"]
)
def test_a_no_with_its_code_denies(text: str) -> None:
    assert parse_loose(text) == Command(Word.NO, "KXQPT", loose=True, mentioned=("KXQPT",))


@pytest.mark.parametrize("text", ["*YES KXQPT*", "KXQPT", "kxqpt yes", "what is KXQPT?", "YESKXQPT", "YES or NO KXQPT"])
def test_a_code_alone_decides_nothing(text: str) -> None:
    command = parse_loose(text)
    assert command is not None
    assert (command.code, command.mentioned) == ("", ("KXQPT",))


@pytest.mark.parametrize("text", ["YES [KXQPT] horse", "yes to KXQPT: horse", "ok, KXQPT horse", "YESKXQPT\nhorse"])
def test_what_may_be_a_passphrase_is_not_stored(text: str) -> None:
    command = parse_loose(text)
    assert command is not None
    assert command.shown == "YES KXQPT (the rest is not kept)"


@pytest.mark.parametrize(
    "text",
    [
        *("", "yes and then run the tests", "no use b.txt", "okay so the thing is broken", "yes there is a bug"),
        *("> YES KXQPT\nhello", "stop", "nothing", "yesterday", "gone", "KXQPTT", f"KXQPT {'x' * MAX_LENGTH}"),
    ],
)
def test_an_ordinary_message_is_none(text: str) -> None:
    assert parse_loose(text) is None
