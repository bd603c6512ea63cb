"""Replies are sent once; an unknown outcome is reconciled before a retry."""

from __future__ import annotations

import dataclasses
import logging
import time

import pytest

from channels.sms.body.shaping import MORE_NOTE, TRIAL_PREFIX
from channels.sms.catchup import MARK
from channels.sms.channel import AHEAD_MARK
from channels.sms.config import SmsConfig
from channels.sms.plugin import PLUGIN
from channels.sms.reports import CallbackUrls
from channels.sms.webhooks import STATUS_PATH
from supervisor.demo.twilio import Failure, TwilioStandIn
from supervisor.demo.twilio_book import REFUSED_NUMBERS
from supervisor.protocol.errors import OutcomeUnknown, PermanentFailure, TemporaryFailure
from supervisor.protocol.messages import SENTENCE, VERBATIM, NotSent, Outbound, Sent, Unknown
from supervisor.protocol.ports.channel import Unreachable
from tests.channels.sms.fixtures import (
    ACCOUNT,
    OUR_NUMBER,
    PERSON,
    SERVICE,
    TOKEN,
    Clock,
    Running,
    call,
    outbound,
    recording_host,
    running,
    signed,
)
from tests.slowness import scaled
from tests.waiting import until


@pytest.fixture
def clock() -> Clock:
    return Clock(time.time())


def since(clock: Clock) -> int:
    """Return the time as `Outbound.sending_since` has it."""
    return int(clock.now * 1000)


async def fail_to_send(run: Running, reply: Outbound) -> None:
    with pytest.raises(OutcomeUnknown):
        await run.channel.send(reply)


async def caught_up(run: Running) -> None:
    """Wait until the first look at Twilio's list is over, which may report messages too."""
    await until(lambda: MARK in run.host.marks, "the list has been read")


async def test_a_reply_that_cannot_be_composed_is_a_permanent_failure(clock: Clock) -> None:
    async with running(clock) as run:
        broken = dataclasses.replace(outbound("hello"), meta={"offset": "seven"}, sending_since=since(clock))
        for attempt in (run.channel.send, run.channel.reconcile):
            with pytest.raises(PermanentFailure, match="cannot be composed"):
                await attempt(broken)


async def test_a_reply_is_sent_as_plain_text(clock: Clock) -> None:
    async with running(clock) as run:
        sent = await run.channel.send(outbound("**Done** — see `a.py`"))
        (message,) = run.twilio.messages
        assert sent == Sent(provider_id=message.sid, segments=1)
        assert (message.sender, message.to, message.body) == (OUR_NUMBER, PERSON, "Done - see a.py")


async def test_a_long_reply_goes_on_where_it_was_cut(clock: Clock) -> None:
    text = " ".join(f"word{number}" for number in range(200))
    async with running(clock, max_segments=2) as run:
        words: list[str] = []
        reply = outbound(text)
        while True:
            sent = await run.channel.send(reply)
            body = run.twilio.messages[-1].body
            words += body.removesuffix(MORE_NOTE).split()
            assert sent.segments is not None
            assert sent.segments <= 2
            if sent.note == "more:end":
                break
            kind, _, offset = sent.note.partition(":")
            assert kind == "more"
            assert body.endswith(MORE_NOTE)
            reply = outbound(text, number=len(run.twilio.messages) + 1, meta={"offset": int(offset)})
        assert words == text.split()


async def test_a_person_is_answered_from_the_number_they_wrote_to(clock: Clock) -> None:
    async with running(clock, from_number="+15005550007") as run:
        await run.channel.send(outbound())
        assert run.twilio.messages[0].sender == OUR_NUMBER


async def test_a_messaging_service_chooses_the_number(clock: Clock) -> None:
    async with running(clock, from_number="", messaging_service_sid=SERVICE) as run:
        sent = await run.channel.send(outbound())
        assert sent.segments == 1
        assert run.twilio.messages[0].service_sid == SERVICE


async def test_every_report_names_the_reply_and_the_price_follows(clock: Clock) -> None:
    async with running(clock) as run:
        await caught_up(run)
        sent = await run.channel.send(outbound())
        deliveries = run.host.deliveries
        await until(lambda: deliveries and deliveries[-1].price_nanos, "the price is reported")
        assert {delivery.outbox_id for delivery in deliveries} == {outbound().id}
        assert {delivery.provider_id for delivery in deliveries} == {sent.provider_id}
        assert [delivery.state for delivery in deliveries] == ["sent", "delivered", "delivered"]
        assert [delivery.price_nanos for delivery in deliveries] == [None, None, 7_900_000]


async def test_reports_out_of_order_are_passed_on_as_they_come(clock: Clock) -> None:
    async with running(clock) as run:
        await caught_up(run)
        run.twilio.callbacks_reversed = True
        await run.channel.send(outbound())
        await until(lambda: len(run.host.deliveries) >= 2, "both states are reported")
        assert [delivery.state for delivery in run.host.deliveries][:2] == ["delivered", "sent"]


async def test_a_reply_that_does_not_arrive_is_reported_with_its_reason_and_price(clock: Clock) -> None:
    async with running(clock) as run:
        await caught_up(run)
        run.twilio.book.undeliverable[PERSON] = 30007
        await run.channel.send(outbound())
        await until(lambda: run.host.deliveries and run.host.deliveries[-1].price_nanos, "the price is reported")
        assert run.host.deliveries[-1].state == "undelivered"
        assert "filtered" in run.host.deliveries[-1].error


@pytest.mark.parametrize("to", [*REFUSED_NUMBERS, "garbage", ""])
async def test_a_number_that_twilio_refuses_is_a_permanent_failure(clock: Clock, to: str) -> None:
    async with running(clock) as run:
        with pytest.raises(PermanentFailure, match="Twilio code"):
            await run.channel.send(outbound(to=to))
        assert run.twilio.messages == []


async def test_a_person_who_opted_out_is_a_permanent_failure(clock: Clock) -> None:
    async with running(clock) as run:
        assert await run.twilio.receive(PERSON, "STOP") == 200
        with pytest.raises(PermanentFailure, match="STOP"):
            await run.channel.send(outbound())
        assert run.host.accepted == []


async def test_a_wrong_number_of_ours_is_a_permanent_failure_that_names_the_key(clock: Clock) -> None:
    async with running(clock, from_number="+15005550007") as run:
        with pytest.raises(PermanentFailure, match=r"channels\.sms\.from_number"):
            await run.channel.send(dataclasses.replace(outbound(), account=""))


async def test_wrong_credentials_are_a_permanent_failure_that_names_the_secret(clock: Clock) -> None:
    async with (
        TwilioStandIn(ACCOUNT, "another token", number=OUR_NUMBER) as twilio,
        running(clock, twilio=twilio) as run,
    ):
        with pytest.raises(PermanentFailure, match="TWILIO_AUTH_TOKEN"):
            await run.channel.send(outbound())


async def test_too_many_requests_are_temporary_and_say_how_long(clock: Clock) -> None:
    async with running(clock) as run:
        run.twilio.fail_next(Failure.TOO_MANY)
        with pytest.raises(TemporaryFailure) as caught:
            await run.channel.send(outbound())
        assert caught.value.retry_after == 3
        assert run.twilio.messages == []


async def test_a_refused_connection_is_temporary(clock: Clock, unused_tcp_port: int) -> None:
    async with running(clock, api_url=f"http://127.0.0.1:{unused_tcp_port}") as run:
        with pytest.raises(Unreachable, match="could not be reached"):
            await run.channel.send(outbound())
        with pytest.raises(Unreachable, match="could not be reached"):
            await run.channel.reconcile(outbound(sending_since=1))


async def test_a_channel_that_does_not_run_sends_nothing() -> None:
    channel = PLUGIN.build(SmsConfig(account_sid=ACCOUNT, from_number=OUR_NUMBER), recording_host())
    with pytest.raises(TemporaryFailure, match="not running"):
        await channel.send(outbound())
    with pytest.raises(TemporaryFailure, match="not running"):
        await channel.reconcile(outbound(sending_since=1))


@pytest.mark.parametrize("failure", [Failure.ACCEPT_THEN_500, Failure.RESET])
async def test_a_reply_whose_answer_was_lost_is_found_and_not_sent_again(clock: Clock, failure: Failure) -> None:
    async with running(clock) as run:
        run.twilio.fail_next(failure)
        await fail_to_send(run, outbound())
        (message,) = run.twilio.messages  # a POST is never repeated
        reconciled = await run.channel.reconcile(outbound(sending_since=since(clock)))
        assert reconciled == Sent(provider_id=message.sid, segments=1)
        assert len(run.twilio.messages) == 1


async def test_an_answer_that_never_comes_is_unknown_and_then_found(clock: Clock) -> None:
    async with TwilioStandIn(ACCOUNT, TOKEN, number=OUR_NUMBER, progress_seconds=0.01) as twilio:
        async with running(clock, twilio=twilio, request_seconds=scaled(2.0)) as run:
            twilio.fail_next(Failure.HANG)
            begun = since(clock)
            with pytest.raises(OutcomeUnknown, match="did not answer in time"):
                await run.channel.send(outbound())
        await until(lambda: twilio.messages, "the message was taken")
        # Another process, which knows nothing of the first one's sends. Twilio's clock has gone on, so must ours.
        clock.now = time.time()
        async with running(clock, twilio=twilio) as run:
            reconciled = await run.channel.reconcile(outbound(sending_since=begun))
        assert reconciled == Sent(provider_id=twilio.messages[0].sid, segments=1)


async def test_a_reply_that_the_list_does_not_show_in_time_is_not_sent(clock: Clock) -> None:
    async with running(clock) as run:
        run.twilio.fail_next(Failure.ERROR_500)
        await fail_to_send(run, outbound())
        reply = outbound(sending_since=since(clock))
        assert await run.channel.reconcile(reply) == Unknown()
        assert await run.channel.reconcile(reply) == Unknown()
        clock.now += 30
        assert await run.channel.reconcile(reply) == NotSent()


async def test_one_search_of_the_list_is_not_enough(clock: Clock) -> None:
    async with running(clock) as run:
        reply = outbound(sending_since=since(clock) - 3_600_000)
        assert await run.channel.reconcile(reply) == Unknown()
        assert await run.channel.reconcile(reply) == NotSent()


async def test_a_second_attempt_has_the_same_time_as_the_first(clock: Clock) -> None:
    async with running(clock) as run:
        reply = outbound(sending_since=since(clock) - 3_600_000, attempt=2)
        run.twilio.fail_next(Failure.ERROR_500)
        await fail_to_send(run, reply)
        for _ in range(3):
            assert await run.channel.reconcile(reply) == Unknown()
        clock.now += 31
        assert await run.channel.reconcile(reply) == NotSent()


async def test_verbatim_text_is_not_changed(clock: Clock) -> None:
    command = "Bash rm -rf *tmp* /x/* # `a` __init__ \\$HOME\nls"
    async with running(clock) as run:
        await run.channel.send(outbound(command, meta={VERBATIM: True}))
        assert run.twilio.messages[0].body == command


async def test_a_sentence_is_not_markdown_and_gets_plain_characters(clock: Clock) -> None:
    async with running(clock) as run:
        text = "Your message “it’s *odd*…” changed src/__init__.py"
        await run.channel.send(outbound(text, meta={SENTENCE: True}))
        assert run.twilio.messages[0].body == 'Your message "it\'s *odd*..." changed src/__init__.py'


async def test_a_reply_never_tried_is_not_sent(clock: Clock) -> None:
    async with running(clock) as run:
        assert await run.channel.reconcile(outbound()) == NotSent()


async def test_an_earlier_message_with_the_same_text_is_not_a_match(clock: Clock) -> None:
    async with running(clock) as run:
        await run.channel.send(outbound("OK", number=1))
        run.twilio.fail_next(Failure.ERROR_500)
        await fail_to_send(run, outbound("OK", number=2))
        clock.now += 31
        reply = outbound("OK", number=2, sending_since=since(clock) - 31_000)
        assert await run.channel.reconcile(reply) == Unknown()
        assert await run.channel.reconcile(reply) == NotSent()


async def test_lost_replies_with_the_same_text_are_found_in_the_order_of_their_sends(clock: Clock) -> None:
    silent = TwilioStandIn(
        ACCOUNT, TOKEN, number=OUR_NUMBER, progress_seconds=3600
    )  # no status callback tells the SIDs
    async with silent, running(clock, twilio=silent) as run:
        for number in range(6):
            run.twilio.fail_next(Failure.ACCEPT_THEN_500)
            await fail_to_send(run, outbound("OK", number=number))
        found = [
            await run.channel.reconcile(outbound("OK", number=number, sending_since=since(clock)))
            for number in range(6)
        ]
        assert [sent.provider_id for sent in found if isinstance(sent, Sent)] == [m.sid for m in run.twilio.messages]


async def test_a_status_callback_corrects_what_a_search_guessed(clock: Clock) -> None:
    silent = TwilioStandIn(ACCOUNT, TOKEN, number=OUR_NUMBER, progress_seconds=3600)
    async with silent, running(clock, twilio=silent) as run:
        first, second = (outbound("OK", number=number, sending_since=since(clock)) for number in (1, 2))
        for reply in (second, first):  # not in the order in which they are looked up
            run.twilio.fail_next(Failure.ACCEPT_THEN_500)
            await fail_to_send(run, reply)
        of_second, of_first = (message.sid for message in run.twilio.messages)
        assert await run.channel.reconcile(first) == Sent(provider_id=of_second, segments=1)
        url = run.host.public_url
        callback = CallbackUrls(url, STATUS_PATH, run.host.generated_secret("twilio-status")).make(first.id)
        form = {"MessageSid": of_first, "MessageStatus": "sent"}
        request = signed(form, path=STATUS_PATH, query=callback.partition("?")[2], public_url=url)
        assert (await call(run.channel, request)).status == 204
        assert await run.channel.reconcile(second) == Sent(provider_id=of_second, segments=1)


async def test_another_text_recipient_or_time_is_not_a_match(clock: Clock) -> None:
    async with running(clock) as run:
        for reply in (outbound("other", number=2), outbound("OK", number=3, to="+15557654321")):
            await run.channel.send(reply)
        run.twilio.book.received(PERSON, "OK", 0)
        later = outbound("OK", sending_since=since(clock) + 3_600_000)
        run.twilio.fail_next(Failure.ACCEPT_THEN_500)
        await fail_to_send(run, outbound("OK", number=4))
        assert await run.channel.reconcile(later) == Unknown()


async def test_a_report_identifies_a_message_that_the_list_does_not_show(clock: Clock) -> None:
    async with running(clock) as run:
        run.twilio.fail_next(Failure.ACCEPT_THEN_500)
        await fail_to_send(run, outbound("OK"))
        await until(lambda: run.host.deliveries, "a report has come")
        (message,) = run.twilio.messages
        run.twilio.messages.clear()
        reconciled = await run.channel.reconcile(outbound("OK", sending_since=since(clock)))
        assert isinstance(reconciled, Sent)
        assert reconciled.provider_id == message.sid


async def test_the_prefix_of_a_trial_account_does_not_hide_a_message(clock: Clock) -> None:
    async with running(clock) as run:
        run.twilio.fail_next(Failure.ACCEPT_THEN_500)
        await fail_to_send(run, outbound("OK"))
        run.twilio.messages[0].body = TRIAL_PREFIX + "OK"
        assert isinstance(await run.channel.reconcile(outbound("OK", sending_since=since(clock))), Sent)


async def test_a_list_that_cannot_be_read_is_temporary(clock: Clock) -> None:
    async with (
        TwilioStandIn(ACCOUNT, "another token", number=OUR_NUMBER) as twilio,
        running(clock, twilio=twilio) as run,
    ):
        with pytest.raises(TemporaryFailure):
            await run.channel.reconcile(outbound(sending_since=since(clock)))


async def test_a_message_far_down_the_list_is_found_on_a_later_page(clock: Clock) -> None:
    async with running(clock) as run:
        run.twilio.fail_next(Failure.ACCEPT_THEN_500)
        await fail_to_send(run, outbound("the one"))
        wanted = run.twilio.messages[0].sid
        for number in range(450):
            run.twilio.book.create({"To": PERSON, "From": OUR_NUMBER, "Body": f"another {number}"})
        reconciled = await run.channel.reconcile(outbound("the one", sending_since=since(clock)))
        assert isinstance(reconciled, Sent)
        assert reconciled.provider_id == wanted


async def test_no_secret_and_no_number_is_logged(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with running(clock) as run:
        await run.channel.send(outbound("a secret matter", to="+15557654321"))
        run.twilio.fail_next(Failure.ACCEPT_THEN_500)
        await fail_to_send(run, outbound("a secret matter", number=2, to="+15557654321"))
        await until(lambda: len(run.host.deliveries) >= 2, "reports have come")
    ours = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("supervisor.demo"))
    assert TOKEN not in caplog.text
    assert "+15557654321" not in ours
    assert "a secret matter" not in ours
    assert TOKEN not in repr(run.channel)


def silent_twilio() -> TwilioStandIn:
    """Return a Twilio whose reports about messages, which name the reply, do not come."""
    return TwilioStandIn(ACCOUNT, TOKEN, number=OUR_NUMBER, progress_seconds=1000.0)


@pytest.mark.parametrize("ahead", [3600.0, 10.0, -10.0, -3600.0])
async def test_a_clock_that_differs_from_twilios_doubles_no_text(ahead: float) -> None:
    clock = Clock(time.time() + ahead)
    async with silent_twilio() as twilio, running(clock, twilio=twilio) as run:
        run.twilio.fail_next(Failure.ACCEPT_THEN_500)
        begun = since(clock)
        await fail_to_send(run, outbound("OK"))
        reconciled = await run.channel.reconcile(outbound("OK", sending_since=begun))
        assert reconciled == Sent(provider_id=run.twilio.messages[0].sid, segments=1)


@pytest.mark.parametrize("change", [0.0, -10.0, -86_400.0])
async def test_a_text_that_a_restart_cut_off_is_found_whatever_the_clock_did(change: float) -> None:
    clock = Clock(time.time() + 10)
    async with silent_twilio() as twilio:
        async with running(clock, twilio=twilio) as run:
            await until(lambda: AHEAD_MARK in run.host.marks, "the difference of clocks is stored")
            twilio.fail_next(Failure.ACCEPT_THEN_500)
            begun = since(clock)
            await fail_to_send(run, outbound("OK"))
            marks = run.host.marks
        clock.now += change
        async with running(clock, twilio=twilio, marks=marks) as run:
            reconciled = await run.channel.reconcile(outbound("OK", sending_since=begun))
        assert reconciled == Sent(provider_id=twilio.messages[0].sid, segments=1)


async def test_a_clock_that_goes_back_delays_no_search() -> None:
    clock = Clock(time.time())
    async with running(clock) as run:
        run.twilio.fail_next(Failure.ERROR_500)
        begun = since(clock)
        await fail_to_send(run, outbound())
        clock.now -= 86_400
        reply = outbound(sending_since=begun)
        assert [await run.channel.reconcile(reply) for _ in range(2)] == [Unknown()] * 2
        clock.now += 31
        assert await run.channel.reconcile(reply) == NotSent()
