"""Signed webhooks are stored before the response; other requests get a 403."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from urllib.parse import parse_qs, urlsplit

import pytest

from channels.sms.channel import SmsChannel
from channels.sms.config import SmsConfig
from channels.sms.plugin import PLUGIN
from channels.sms.reports import CallbackUrls
from channels.sms.webhooks import STATUS_PATH, TEXT_PATH
from supervisor.protocol.errors import StorageError
from supervisor.protocol.messages import Delivery, OutboxId
from supervisor.protocol.ports.web import WebRequest
from tests.channels.hosts import RecordingHost
from tests.channels.sms.fixtures import (
    ACCOUNT,
    OUR_NUMBER,
    PERSON,
    PUBLIC_URL,
    TOKEN,
    call,
    recording_host,
    signed,
    text_form,
)

OUTBOX_ID = OutboxId("0198f000-0000-7000-8000-000000000001")
SID = "SM" + "b" * 32


@pytest.fixture
def host() -> RecordingHost:
    return recording_host()


@pytest.fixture
def channel(host: RecordingHost) -> SmsChannel:
    built = PLUGIN.build(SmsConfig(account_sid=ACCOUNT, from_number=OUR_NUMBER), host)
    assert isinstance(built, SmsChannel)
    return built


def callback_query(host: RecordingHost, outbox_id: OutboxId = OUTBOX_ID) -> str:
    urls = CallbackUrls(PUBLIC_URL, STATUS_PATH, host.generated_secret("twilio-status"))
    return urlsplit(urls.make(outbox_id)).query


def status_request(query: str, status: str, *, token: str = TOKEN, **fields: str) -> WebRequest:
    form = {"MessageSid": SID, "MessageStatus": status, "From": OUR_NUMBER, "To": PERSON} | fields
    return signed(form, path=STATUS_PATH, query=query, token=token)


def unsigned(request: WebRequest) -> WebRequest:
    return dataclasses.replace(request, headers={"content-type": request.headers["content-type"]})


def test_both_paths_are_declared(channel: SmsChannel) -> None:
    assert [(route.method, route.path) for route in channel.routes()] == [
        ("POST", "/webhooks/twilio/sms"),
        ("POST", "/webhooks/twilio/status"),
    ]


async def test_a_signed_text_is_accepted_and_answered_with_an_empty_response(
    channel: SmsChannel, host: RecordingHost
) -> None:
    response = await call(channel, signed(text_form()))
    assert (response.status, response.content_type, response.body) == (200, "text/xml", b"<Response/>")
    (inbound,) = host.accepted
    assert inbound.text == text_form()["Body"]
    assert inbound.dedup_key == text_form()["MessageSid"]
    assert inbound.account == OUR_NUMBER


@pytest.mark.parametrize("path", [TEXT_PATH, STATUS_PATH])
@pytest.mark.requirement(14)
async def test_an_unsigned_request_is_refused(channel: SmsChannel, host: RecordingHost, path: str) -> None:
    request = signed(text_form(), path=path, query=callback_query(host))
    for forged in (unsigned(request), signed(text_form(), path=path, token="wrong")):
        assert (await call(channel, forged)).status == 403
    assert host.accepted == []
    assert host.deliveries == []


@pytest.mark.requirement(14)
async def test_a_replayed_text_is_accepted_once(channel: SmsChannel, host: RecordingHost) -> None:
    for _ in range(3):
        assert (await call(channel, signed(text_form()))).status == 200
    assert len(host.accepted) == 1


async def test_fifty_duplicates_at_once_are_accepted_once(channel: SmsChannel, host: RecordingHost) -> None:
    responses = await asyncio.gather(*(call(channel, signed(text_form())) for _ in range(50)))
    assert {response.status for response in responses} == {200}
    assert len(host.accepted) == 1


async def test_a_duplicate_after_a_restart_is_accepted_once(host: RecordingHost) -> None:
    for _ in range(2):
        restarted = PLUGIN.build(SmsConfig(account_sid=ACCOUNT, from_number=OUR_NUMBER), host)
        assert isinstance(restarted, SmsChannel)
        assert (await call(restarted, signed(text_form()))).status == 200
    assert len(host.accepted) == 1
    assert host.calls == 2


async def test_a_text_that_is_not_stored_is_answered_503_and_taken_when_it_comes_again(
    channel: SmsChannel, host: RecordingHost
) -> None:
    host.fail_with = StorageError("disk full")
    assert (await call(channel, signed(text_form()))).status == 503
    host.fail_with = None
    assert (await call(channel, signed(text_form()))).status == 200
    assert len(host.accepted) == 1


@pytest.mark.parametrize(
    "form",
    [
        text_form(OptOutType="STOP", Body="Stop it"),
        text_form(Body="STOP"),
        text_form(From="72345"),
        text_form(From="ACMEBANK"),
        text_form(Body=""),
        text_form(MessageSid=""),
        {"Called": "by a webhook for calls"},
    ],
)
async def test_a_dropped_text_is_answered_200_and_recorded(
    channel: SmsChannel, host: RecordingHost, form: dict[str, str]
) -> None:
    for _ in range(2):
        assert (await call(channel, signed(form))).status == 200
    assert host.calls == 0
    assert [sender for sender, _ in host.traces] == [form.get("From", "")]


@pytest.mark.parametrize(("media", "noted"), [("2", True), ("0", False), ("", False), ("-1", False), ("9" * 99, False)])
@pytest.mark.requirement(36)
async def test_attachments_are_noted(channel: SmsChannel, host: RecordingHost, media: str, noted: bool) -> None:
    assert (await call(channel, signed(text_form(NumMedia=media)))).status == 200
    assert bool(host.accepted[0].note) is noted


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("queued", "sent"),
        ("sending", "sent"),
        ("sent", "sent"),
        ("delivered", "delivered"),
        ("undelivered", "undelivered"),
        ("failed", "undelivered"),
    ],
)
async def test_a_status_is_passed_on(channel: SmsChannel, host: RecordingHost, status: str, state: str) -> None:
    response = await call(channel, status_request(callback_query(host), status))
    assert response.status == 204
    error = "Twilio did not say why" if state == "undelivered" else ""
    assert host.deliveries == [Delivery(outbox_id=OUTBOX_ID, provider_id=SID, state=state, error=error)]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("30003", "switched off"),
        ("30004", "blocks"),
        ("30005", "not in service"),
        ("30006", "landline"),
        ("30007", "filtered"),
        ("30008", "did not say why"),
        ("30034", "not registered"),
        ("21610", "STOP"),
    ],
)
async def test_the_reason_of_a_failed_delivery_is_in_plain_words(
    channel: SmsChannel, host: RecordingHost, code: str, words: str
) -> None:
    await call(channel, status_request(callback_query(host), "undelivered", ErrorCode=code))
    assert words in host.deliveries[0].error


@pytest.mark.parametrize("status", ["", "teleported", "received"])
async def test_an_unknown_status_changes_nothing(channel: SmsChannel, host: RecordingHost, status: str) -> None:
    assert (await call(channel, status_request(callback_query(host), status))).status == 204
    assert host.deliveries == []


@pytest.mark.parametrize(
    "query",
    [
        "",
        f"ob={OUTBOX_ID}",
        f"ob={OUTBOX_ID}&s=",
        f"ob={OUTBOX_ID}&s={'0' * 64}",
        f"ob={OUTBOX_ID}&s=%C3%A9",
        "ob=%ff&s=%ff",
        "&".join(f"a{i}=1" for i in range(20)),
    ],
)
async def test_a_forged_callback_url_is_refused(channel: SmsChannel, host: RecordingHost, query: str) -> None:
    assert (await call(channel, status_request(query, "delivered"))).status == 403
    assert host.deliveries == []


async def test_the_hmac_of_one_reply_is_not_valid_for_another(channel: SmsChannel, host: RecordingHost) -> None:
    proof = parse_qs(callback_query(host))["s"][0]
    query = f"ob=0198f000-0000-7000-8000-000000000002&s={proof}"
    assert (await call(channel, status_request(query, "delivered"))).status == 403


async def test_a_status_that_is_not_recorded_is_answered_503(channel: SmsChannel, host: RecordingHost) -> None:
    host.fail_with = StorageError("disk full")
    assert (await call(channel, status_request(callback_query(host), "delivered"))).status == 503


async def test_a_forgery_is_refused_with_a_full_disk_too(channel: SmsChannel, host: RecordingHost) -> None:
    host.fail_with = StorageError("disk full")
    assert (await call(channel, unsigned(signed(text_form())))).status == 403


async def test_a_series_of_refusals_is_recorded_once_without_secrets(
    channel: SmsChannel, host: RecordingHost, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for _ in range(5):
        await call(channel, unsigned(signed(text_form())))
    await call(channel, signed(text_form()))
    await call(channel, unsigned(signed(text_form())))
    assert host.traces == [("", f"{TEXT_PATH}: the signature does not match")] * 2
    refusals = [record for record in caplog.records if "refused" in record.getMessage()]
    assert len(refusals) == 2
    assert "http.public_url" in caplog.text
    assert TOKEN not in caplog.text


async def test_a_signed_request_of_an_agent_is_refused(
    channel: SmsChannel, host: RecordingHost, caplog: pytest.LogCaptureFixture
) -> None:
    async def yes() -> bool:
        return True

    request = dataclasses.replace(signed(text_form(Body="YES KXQPT")), from_agent=yes)
    assert (await call(channel, request)).status == 403
    assert host.accepted == []
    assert host.traces == [("", f"{TEXT_PATH}: signed by an agent")]
    assert "came from an agent" in caplog.text
