"""Messages without a webhook are fetched once."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from channels.sms.catchup import MARK, RESUMED
from channels.sms.reports import Reports
from channels.sms.twilio.api import Message
from supervisor.demo.twilio import TwilioStandIn
from supervisor.protocol.errors import StorageError
from supervisor.protocol.messages import Delivery
from supervisor.protocol.ports.channel import COPIED
from tests.channels.hosts import RecordingHost
from tests.channels.sms.fixtures import (
    ACCOUNT,
    OUR_NUMBER,
    PERSON,
    SERVICE,
    TOKEN,
    Clock,
    outbound,
    recording_host,
    running,
)
from tests.waiting import until


@pytest.fixture
def clock() -> Clock:
    return Clock(time.time())


def stand_in() -> TwilioStandIn:
    return TwilioStandIn(ACCOUNT, TOKEN, number=OUR_NUMBER, progress_seconds=0.01, price_seconds=0.05)


async def test_texts_missed_while_down_are_accepted_at_start_in_their_order(clock: Clock) -> None:
    async with stand_in() as twilio:
        for body in ("first", "second", "third"):
            await twilio.receive(PERSON, body, announce=False)
        async with running(clock, twilio=twilio) as run:
            await until(lambda: MARK in run.host.marks, "the list has been read")
            assert [inbound.text for inbound in run.host.accepted] == ["first", "second", "third"]
            assert run.host.marks[MARK] == int(clock.now * 1000)


async def test_a_text_that_came_by_webhook_is_not_accepted_again(clock: Clock) -> None:
    async with stand_in() as twilio:
        async with running(clock, twilio=twilio, catch_up_seconds=0.01) as run:
            await until(lambda: MARK in run.host.marks, "the list has been read")
            assert await twilio.receive(PERSON, "hello") == 200
            mark = run.host.marks[MARK]
            clock.now += 60
            await until(lambda: run.host.marks[MARK] > mark, "the list has been read again")
            assert run.host.calls == 1
        # After a restart nothing but the core's own key knows it.
        async with running(clock, twilio=twilio, host=run.host, catch_up_seconds=0.01):
            clock.now += 60
            await until(lambda: run.host.marks[MARK] == int(clock.now * 1000), "the list has been read once more")
        assert len(run.host.accepted) == 1


async def test_the_poll_begins_two_hours_before_the_mark(clock: Clock) -> None:
    async with stand_in() as twilio:
        for hours, body in ((3, "too old"), (1, "recent")):
            await twilio.receive(PERSON, body, announce=False)
            sent = twilio.messages[-1].sent
            assert sent is not None
            twilio.messages[-1].sent = sent - timedelta(hours=hours)
        async with running(clock, twilio=twilio) as run:
            await until(lambda: MARK in run.host.marks, "the list has been read")
            assert [inbound.text for inbound in run.host.accepted] == ["recent"]


async def test_stop_words_and_strangers_services_are_not_fetched(clock: Clock) -> None:
    async with stand_in() as twilio:
        for body in ("STOP", "for another service", "for us"):
            await twilio.receive(PERSON, body, announce=False)
        twilio.messages[0].service_sid = twilio.messages[2].service_sid = SERVICE
        async with running(clock, twilio=twilio, from_number="", messaging_service_sid=SERVICE) as run:
            await until(lambda: MARK in run.host.marks, "the list has been read")
            assert [inbound.text for inbound in run.host.accepted] == ["for us"]


async def test_the_mark_stays_where_something_was_not_stored(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with stand_in() as twilio:
        await twilio.receive(PERSON, "hello", announce=False)
        async with running(clock, twilio=twilio, catch_up_seconds=0.01) as run:
            run.host.fail_with = StorageError("disk full")
            await until(lambda: run.host.calls >= 5, "several polls have failed")
            assert MARK not in run.host.marks
            run.host.fail_with = None
            await until(lambda: run.host.accepted, "it is accepted after all")
            await until(lambda: "again" in caplog.text, "the recovery is logged")
    lines = [record.getMessage() for record in caplog.records if record.name == "channels.sms.catchup"]
    assert len(lines) == 2
    assert "disk full" in lines[0]


async def test_an_unreachable_twilio_does_not_end_the_channel_and_is_logged_once(
    clock: Clock, unused_tcp_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    api_url = f"http://127.0.0.1:{unused_tcp_port}"
    # Twilio stays until the channel, which goes on to poll it, has ended.
    async with AsyncExitStack() as outlasting, running(clock, api_url=api_url, catch_up_seconds=0.01) as run:
        await until(lambda: "cannot be fetched" in caplog.text, "the failure is logged")
        twilio = TwilioStandIn(ACCOUNT, TOKEN, number=OUR_NUMBER, port=unused_tcp_port)
        await outlasting.enter_async_context(twilio)
        await until(lambda: True in run.host.reached, "Twilio is reached")
    assert caplog.text.count("cannot be fetched") == 1
    assert [run.host.reached[0], run.host.reached[-1]] == [False, True]
    assert TOKEN not in caplog.text


async def test_a_missed_report_is_passed_on_with_its_price(clock: Clock) -> None:
    async with stand_in() as twilio:
        async with running(clock, twilio=twilio) as run:
            twilio.webhook_url = ""
            sent = await run.channel.send(outbound())
        run.host.deliveries.clear()
        (message,) = twilio.messages
        await until(lambda: message.price, "the price is known at Twilio")
        async with running(clock, twilio=twilio, host=run.host):
            await until(lambda: run.host.deliveries, "the end is reported")
        (delivery,) = run.host.deliveries
        assert (delivery.provider_id, delivery.state, delivery.price_nanos) == (
            sent.provider_id,
            "delivered",
            7_900_000,
        )


async def test_a_final_state_is_reported_once(clock: Clock) -> None:
    async with stand_in() as twilio, running(clock, twilio=twilio, catch_up_seconds=0.01) as run:
        await run.channel.send(outbound())
        await until(lambda: any(each.price_nanos for each in run.host.deliveries), "the price is reported")
        await until(lambda: any(_is_last_callback(each) for each in run.host.deliveries), "the last webhook came")
        reported = len(run.host.deliveries)
        mark = run.host.marks[MARK]
        clock.now += 60
        await until(lambda: run.host.marks[MARK] > mark, "the list has been read again")
        assert len(run.host.deliveries) == reported


def _is_last_callback(delivery: Delivery) -> bool:
    """Return whether a report came by a webhook, which names the reply, and is the last one that Twilio sends."""
    return delivery.outbox_id is not None and delivery.state == "delivered" and delivery.price_nanos is None


class SlowHost(RecordingHost):
    """Takes a moment to record a report."""

    async def delivered(self, delivery: Delivery) -> bool:
        await asyncio.sleep(0)
        return await super().delivered(delivery)


async def test_a_price_that_two_sources_tell_at_once_is_reported_once() -> None:
    message = Message(
        sid="SM" + "a" * 32,
        sender=OUR_NUMBER,
        to=PERSON,
        body="",
        outgoing=True,
        status="delivered",
        error_code="",
        segments=1,
        media=0,
        service_sid="",
        price_nanos=7_900_000,
        created=None,
        sent=None,
    )
    host = SlowHost()
    reports = Reports(host)
    await asyncio.gather(*(reports.pass_on_listed(message) for _ in range(3)))
    assert [each.price_nanos for each in host.deliveries] == [7_900_000]


async def test_texts_that_came_between_a_backup_and_its_restore_do_not_run_again(clock: Clock) -> None:
    async with stand_in() as twilio:
        host = recording_host()
        await twilio.receive(PERSON, "of the backup's own second: the copy knows it", announce=False)
        async with running(clock, twilio=twilio, host=host):
            await until(lambda: MARK in host.marks, "the list has been read")
        host.accepted.clear()
        del host.marks[MARK]
        await twilio.receive(PERSON, "answered before the restore", announce=False)
        clock.now += 60
        host.marks[COPIED] = int((clock.now - 120) * 1000)
        async with running(clock, twilio=twilio, host=host):
            await until(lambda: MARK in host.marks, "the list has been read")
        assert (host.accepted, host.marks[RESUMED]) == ([], int(clock.now * 1000))
        assert [inbound.text for inbound in host.kept] == ["answered before the restore"]
        assert "after the backup" in host.traces[0][1]
        # What comes from then on is taken, also after another restart.
        clock.now += 60
        async with running(clock, twilio=twilio, host=host, catch_up_seconds=0.01):
            await until(lambda: host.marks[MARK] == int(clock.now * 1000), "the list has been read again")
            assert (host.accepted, len(host.traces)) == ([], 1)
