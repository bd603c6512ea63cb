"""The messages of the Twilio stand-in: accepted, refused, counted and listed."""

from __future__ import annotations

import pytest

from supervisor.demo.twilio_book import REFUSED_NUMBERS, Book, Refused

ACCOUNT, NUMBER, PERSON = "AC" + "0" * 32, "+15005550006", "+15551234567"
PATH = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"


@pytest.fixture
def book() -> Book:
    return Book(ACCOUNT, NUMBER)


def form(**changes: str) -> dict[str, str]:
    return {"To": PERSON, "From": NUMBER, "Body": "text"} | changes


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"To": ""}, 21604),
        ({"Body": ""}, 21602),
        ({"From": ""}, 21603),
        ({"From": "+15550000000"}, 21606),
        ({"To": "555"}, 21211),
        ({"Body": "x" * 1601}, 21617),
        *(({"To": number}, code) for number, (code, _) in REFUSED_NUMBERS.items()),
    ],
)
def test_what_twilio_refuses_is_refused_with_its_code(book: Book, changes: dict[str, str], code: int) -> None:
    with pytest.raises(Refused) as refused:
        book.create(form(**changes))
    assert (refused.value.status, refused.value.code) == (400, code)
    assert book.messages == []


@pytest.mark.parametrize(
    ("body", "segments"),
    [("x" * 160, 1), ("x" * 161, 2), ("x" * 306, 2), ("x" * 307, 3), ("ж" * 70, 1), ("ж" * 71, 2), ("ж" * 135, 3)],
)
def test_segments_are_counted_as_twilio_bills(book: Book, body: str, segments: int) -> None:
    assert book.create(form(Body=body)).segments == segments


def test_stop_opts_out_and_start_opts_in(book: Book) -> None:
    book.received(PERSON, " stop ", 0)
    with pytest.raises(Refused, match="unsubscribed"):
        book.create(form())
    book.received(PERSON, "START", 0)
    assert book.create(form()).status == "queued"


def test_the_list_is_filtered_and_newest_first(book: Book) -> None:
    sent = [book.create(form(Body=str(number))) for number in range(3)]
    came = book.received(PERSON, "hello", 0)
    page = book.page(PATH, {"From": NUMBER, "PageSize": "2"})
    assert [message["sid"] for message in page["messages"]] == [sent[2].sid, sent[1].sid]
    assert page["next_page_uri"].startswith(f"{PATH}?")
    assert [m["sid"] for m in book.page(PATH, {"From": NUMBER, "PageSize": "2", "Page": "1"})["messages"]] == [
        sent[0].sid
    ]
    assert [m["sid"] for m in book.page(PATH, {"To": NUMBER, "DateSent>": "2020-01-01"})["messages"]] == [came.sid]
    assert book.page(PATH, {"To": NUMBER, "DateSent<": "2020-01-01"})["messages"] == []
    for wrong in ({"PageSize": "many"}, {"DateSent>": "yesterday"}):
        with pytest.raises(Refused):
            book.page(PATH, wrong)


def test_a_message_is_found_by_its_sid(book: Book) -> None:
    message = book.create(form())
    assert book.find(message.sid) is message
    assert book.find("SM0") is None
