"""Who takes the replies to texts and mails, and what they look like."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from supervisor.people.identity import Caller
from supervisor.protocol import events
from supervisor.protocol.messages import MessageId
from supervisor.protocol.requests import EmailReceived, SmsReceived
from supervisor.wires.socket.client import Client, RequestOrder
from supervisor.wires.socket.outgoing import ClientGone
from supervisor.wires.socket.replies import ReplyRouter, meta_of, reply_to

M1 = MessageId("m1")
PONG = events.Pong()


class Recorder(Client):
    """A connection that keeps what it was sent.

    Attributes:
        gone: it is not there any more.
    """

    def __init__(self) -> None:
        self.written: list[tuple[events.AnyEvent, str | None]] = []
        self.gone = False
        self.notices = False

    @property
    def order(self) -> RequestOrder:
        return RequestOrder()

    async def write(self, event: events.AnyEvent, request_id: str | None) -> None:
        if self.gone:
            raise ClientGone
        self.written.append((event, request_id))

    async def refuse_agents(self) -> None:
        return None

    def subscribe(self, caller: Caller, topics: Iterable[str]) -> list[str]:
        return sorted(topics)

    def unsubscribe(self, topics: Iterable[str]) -> None:
        return None


async def test_a_reply_goes_to_the_request_that_waits_for_it() -> None:
    replies, asker, other = ReplyRouter(), Recorder(), Recorder()
    for client in (asker, other):
        replies.attach("a", client)
    expected = replies.expect("a", M1, asker, "r1")
    assert await replies.deliver("a", M1, PONG, "kept")
    assert asker.written == [(PONG, "r1")]
    assert other.written == []
    assert expected.written
    assert expected.done.is_set()


async def test_every_request_that_waits_for_the_same_message_is_answered_once() -> None:
    replies, first, second = ReplyRouter(), Recorder(), Recorder()
    replies.attach("a", first)
    replies.attach("a", second)
    replies.expect("a", M1, first, "r1")
    replies.expect("a", M1, second, "r2")
    assert await replies.deliver("a", M1, PONG, None)
    assert (first.written, second.written) == ([(PONG, "r1")], [(PONG, "r2")])


async def test_a_reply_that_nobody_waits_for_goes_to_the_newest_connection_of_its_account() -> None:
    replies, older, newer, stranger = ReplyRouter(), Recorder(), Recorder(), Recorder()
    replies.attach("a", older)
    replies.attach("a", newer)
    replies.attach("b", stranger)
    assert await replies.deliver("a", M1, PONG, "kept")
    assert newer.written == [(PONG, "kept")]
    newer.gone = True
    assert await replies.deliver("a", M1, PONG, "kept")
    assert older.written == [(PONG, "kept")]
    assert stranger.written == []


async def test_a_reply_whose_asker_is_gone_goes_to_another_connection_of_the_account() -> None:
    replies, asker, other = ReplyRouter(), Recorder(), Recorder()
    replies.attach("a", asker)
    replies.attach("a", other)
    expected = replies.expect("a", M1, asker, "r1")
    replies.detach("a", asker)
    assert expected.done.is_set()
    assert not expected.written
    assert await replies.deliver("a", M1, PONG, "r1")
    assert other.written == [(PONG, "r1")]


def test_nothing_is_waited_for_on_a_connection_that_is_gone_or_at_the_end() -> None:
    replies, client = ReplyRouter(), Recorder()
    assert replies.expect("a", M1, client, None).done.is_set()
    replies.attach("a", client)
    waiting = replies.expect("a", M1, client, None)
    assert not waiting.done.is_set()
    replies.release()
    assert waiting.done.is_set()
    assert replies.expect("a", M1, client, None).done.is_set()


async def test_without_a_connection_nothing_is_written() -> None:
    replies, client = ReplyRouter(), Recorder()
    assert not await replies.deliver("a", M1, PONG, None)
    replies.attach("a", client)
    replies.detach("a", client)
    replies.detach("a", client)
    assert not await replies.deliver("a", M1, PONG, None)


def sms(request_id: str | None = None) -> SmsReceived:
    """Return a text message."""
    return SmsReceived(from_="+15550100", to="+15550199", message="hi", user="alice", request_id=request_id)


def mail(subject: str) -> EmailReceived:
    """Return a mail with a subject."""
    return EmailReceived(from_="a@example.org", to="x@example.org", subject=subject, body="hi", user="alice")


@pytest.mark.requirement(29)
def test_a_text_is_answered_without_control_characters() -> None:
    event = reply_to(meta_of(sms()), "one\r\n\ttwo\x00\x1b[31m\x85 ü €", "m1")
    assert event == events.SendSmsResponse(to="+15550100", message="one\n\ttwo[31m ü €", user="alice", message_id="m1")


@pytest.mark.parametrize(
    ("subject", "answered"),
    [
        ("Tests", "Re: Tests"),
        ("Re: Tests", "Re: Tests"),
        ("RE : Tests", "RE : Tests"),
        ("", "Re:"),
        ("Ready", "Re: Ready"),
    ],
)
def test_the_subject_of_an_answer_says_re_once(subject: str, answered: str) -> None:
    event = reply_to(meta_of(mail(subject)), "**done**", "m1")
    assert event == events.SendEmailResponse(
        to="a@example.org", subject=answered, body="**done**", user="alice", message_id="m1"
    )


def test_the_request_id_is_kept_with_the_message() -> None:
    assert meta_of(sms(request_id="r1"))["request_id"] == "r1"
    assert "request_id" not in meta_of(sms())
