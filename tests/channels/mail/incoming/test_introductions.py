"""The lines above a quoted mail."""

from __future__ import annotations

import pytest

from channels.mail.incoming.introductions import foreign_introduction, introduction_start


@pytest.mark.parametrize(
    ("introduction", "length"),
    [
        (["On 29 Nov 2026, at 12:00, Bo <bo@x.test> wrote:"], 1),
        (["Ons 29 Nov 2026 kl 12:00 skreiv Bo <bo@x.test>:"], 1),
        (["-----Original Message-----"], 1),
        (["Deploy it at 12:00, please."], 0),
        (["From: here we go"], 0),
        (["----"], 0),
    ],
)
def test_an_introduction_is_known_by_its_structure(introduction: list[str], length: int) -> None:
    assert foreign_introduction([*introduction, "", "> Run it?"], 0) == length


@pytest.mark.parametrize("own", ["Yes, at 12:00", "claude: do it", "Bo, do this:", "See 2026-11-29"])
def test_the_own_words_above_a_quotation_are_no_introduction(own: str) -> None:
    assert introduction_start([own, "", "> Run it?"], 2, ("bot@x.test", "Robot")) == 2
