"""The stand-in behaves like Twilio's API, tested with Twilio's client."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession, encode_basic_auth, web
from twilio.request_validator import RequestValidator

from supervisor.demo.twilio import Failure, TwilioStandIn
from supervisor.demo.twilio_book import REFUSED_NUMBERS
from tests.waiting import until

ACCOUNT = "AC" + "0" * 32
TOKEN = "canary-token-of-the-stand-in"
PERSON = "+15551234567"
API = f"/2010-04-01/Accounts/{ACCOUNT}/Messages"


class Listener:
    """A web server that keeps what is posted to it.

    Attributes:
        forms: with its path, in the order they came.
        genuine: the verdict of twilio's own validator on each.
    """

    def __init__(self) -> None:
        self.url = ""
        self.forms: list[dict[str, str]] = []
        self.genuine: list[bool] = []
        self.status = 200

    async def handle(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.forms.append(form)
        url = self.url + request.raw_path
        self.genuine.append(RequestValidator(TOKEN).validate(url, form, request.headers["X-Twilio-Signature"]))
        return web.Response(status=self.status, text="<Response/>", content_type="text/xml")


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    made = Listener()
    application = web.Application()
    application.router.add_post("/{path:.*}", made.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioStandIn]:
    async with TwilioStandIn(ACCOUNT, TOKEN, progress_seconds=0.01, price_seconds=0.05) as stand_in:
        yield stand_in


@asynccontextmanager
async def asking(method: str, url: str, *, token: str = TOKEN, **more: Any) -> AsyncIterator[Any]:
    headers = {"Authorization": encode_basic_auth(ACCOUNT, token)} | more.pop("headers", {})
    async with ClientSession(headers=headers) as session, session.request(method, url, **more) as response:
        yield response


async def send(twilio: TwilioStandIn, **fields: str) -> tuple[int, dict[str, Any]]:
    form = {"To": PERSON, "From": twilio.number, "Body": "text"} | fields
    form = {name: value for name, value in form.items() if value}
    async with asking("POST", twilio.url + API + ".json", data=form) as response:
        return response.status, await response.json()


async def listed(twilio: TwilioStandIn, **query: str) -> dict[str, Any]:
    async with asking("GET", twilio.url + API + ".json", params=query) as response:
        assert response.status == 200
        answer: dict[str, Any] = await response.json()
        return answer


async def test_a_message_passes_through_its_states_and_gets_a_price(twilio: TwilioStandIn, listener: Listener) -> None:
    status, message = await send(twilio, StatusCallback=listener.url + "/status?ob=1&s=%2B")
    assert status == 201
    assert (message["status"], message["price"], message["date_sent"]) == ("queued", None, None)
    assert message["sid"].startswith("SM")
    await until(lambda: twilio.messages[0].price, "the price is known")
    assert [form["MessageStatus"] for form in listener.forms] == ["sent", "delivered"]
    assert listener.genuine == [True, True]
    async with asking("GET", f"{twilio.url}{API}/{message['sid']}.json") as response:
        fetched = await response.json()
    assert (fetched["status"], fetched["price"], fetched["price_unit"]) == ("delivered", "-0.00790", "USD")
    assert fetched.keys() == message.keys()


async def test_reports_can_come_in_reverse_order(twilio: TwilioStandIn, listener: Listener) -> None:
    twilio.callbacks_reversed = True
    await send(twilio, StatusCallback=listener.url)
    await until(lambda: len(listener.forms) == 2, "both reports have come")
    assert [form["MessageStatus"] for form in listener.forms] == ["delivered", "sent"]


async def test_a_message_that_cannot_arrive_is_reported_with_its_code(
    twilio: TwilioStandIn, listener: Listener
) -> None:
    twilio.book.undeliverable[PERSON] = 30003
    await send(twilio, StatusCallback=listener.url)
    await until(lambda: len(listener.forms) == 2, "both reports have come")
    assert (listener.forms[1]["MessageStatus"], listener.forms[1]["ErrorCode"]) == ("undelivered", "30003")


async def test_every_message_has_an_id_of_its_own(twilio: TwilioStandIn) -> None:
    answers = await asyncio.gather(*(send(twilio) for _ in range(50)))
    assert len({message["sid"] for _, message in answers}) == 50


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"To": ""}, 21604),
        ({"Body": ""}, 21602),
        ({"From": ""}, 21603),
        ({"From": "+15005550007"}, 21606),
        ({"To": "garbage"}, 21211),
        ({"Body": "a" * 1601}, 21617),
        ({"Body": "🎉" * 801}, 21617),
        *(({"To": number}, code) for number, (code, _) in REFUSED_NUMBERS.items()),
    ],
)
async def test_what_twilio_refuses_is_refused_with_its_code(
    twilio: TwilioStandIn, fields: dict[str, str], code: int
) -> None:
    status, refused = await send(twilio, **fields)
    assert (status, refused["code"], refused["status"]) == (400, code, 400)
    assert twilio.messages == []


async def test_the_longest_body_is_taken(twilio: TwilioStandIn) -> None:
    status, message = await send(twilio, Body="a" * 1600)
    assert (status, message["num_segments"]) == (201, "11")


async def test_a_send_to_an_opted_out_number_is_refused_until_start(twilio: TwilioStandIn) -> None:
    await twilio.receive(PERSON, "stop ", announce=False)
    assert (await send(twilio))[1]["code"] == 21610
    await twilio.receive(PERSON, "START", announce=False)
    assert (await send(twilio))[0] == 201


async def test_only_the_accounts_password_opens_the_api(twilio: TwilioStandIn) -> None:
    async with asking("GET", twilio.url + API + ".json", token="wrong") as response:
        assert (response.status, (await response.json())["code"]) == (401, 20003)
    async with asking("GET", twilio.url + API.replace(ACCOUNT, "AC" + "1" * 32) + ".json") as response:
        assert response.status == 401
    async with ClientSession() as session, session.get(twilio.url + API + ".json") as bare:
        assert bare.status == 401


@pytest.mark.parametrize(
    ("failure", "status", "taken"),
    [(Failure.ACCEPT_THEN_500, 500, 1), (Failure.ERROR_500, 500, 0), (Failure.TOO_MANY, 429, 0)],
)
async def test_the_next_send_fails_as_asked_and_the_one_after_does_not(
    twilio: TwilioStandIn, failure: Failure, status: int, taken: int
) -> None:
    twilio.fail_next(failure)
    assert (await send(twilio))[0] == status
    assert len(twilio.messages) == taken
    assert (await send(twilio))[0] == 201


async def test_a_reset_connection_comes_after_the_message_was_accepted(twilio: TwilioStandIn) -> None:
    twilio.fail_next("reset")
    with pytest.raises(ClientError):
        await send(twilio)
    assert len(twilio.messages) == 1


async def test_a_hanging_send_is_accepted_and_does_not_delay_the_stop() -> None:
    async with TwilioStandIn(ACCOUNT, TOKEN) as twilio:
        twilio.fail_next(Failure.HANG)
        hanging = asyncio.create_task(send(twilio), name="hanging send")
        await until(lambda: twilio.messages, "the message was taken")
        assert not hanging.done()
    await asyncio.wait((hanging,))


async def test_the_list_is_filtered_and_paged_newest_first(twilio: TwilioStandIn) -> None:
    for number in range(5):
        twilio.book.create({"To": f"+1555123456{number}", "From": twilio.number, "Body": "text"})
    inbound = twilio.book.received(PERSON, "hello", 0)
    assert [each["sid"] for each in (await listed(twilio, To=twilio.number))["messages"]] == [inbound.sid]
    assert len((await listed(twilio, From=twilio.number))["messages"]) == 5
    sids: list[str] = []
    page = await listed(twilio, PageSize="4")
    sids += [each["sid"] for each in page["messages"]]
    async with asking("GET", twilio.url + page["next_page_uri"]) as response:
        last = await response.json()
    sids += [each["sid"] for each in last["messages"]]
    assert sids == [message.sid for message in reversed(twilio.messages)]
    assert last["next_page_uri"] is None


async def test_the_list_is_filtered_by_the_time_of_sending(twilio: TwilioStandIn) -> None:
    waiting = twilio.book.create({"To": PERSON, "From": twilio.number, "Body": "waits"})
    old, new = twilio.book.received(PERSON, "old", 0), twilio.book.received(PERSON, "new", 0)
    assert waiting.sent is None
    assert new.sent is not None
    old.sent = new.sent - timedelta(days=2)
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    for bound in (hour_ago.strftime("%Y-%m-%dT%H:%M:%SZ"), f"{hour_ago:%Y-%m-%d}"):
        found = await listed(twilio, **{"DateSent>": bound})
        assert [each["body"] for each in found["messages"]] == ["new"]
        before = await listed(twilio, **{"DateSent<": bound})
        assert [each["body"] for each in before["messages"]] == ["old"]
    day = await listed(twilio, DateSent=f"{old.sent:%Y-%m-%d}")
    assert [each["body"] for each in day["messages"]] == ["old"]


@pytest.mark.parametrize("query", [{"DateSent>": "yesterday"}, {"PageSize": "many"}, {"Page": "-1"}])
async def test_a_filter_that_cannot_be_read_is_refused(twilio: TwilioStandIn, query: dict[str, str]) -> None:
    async with asking("GET", twilio.url + API + ".json", params=query) as response:
        assert response.status == 400


async def test_an_unknown_message_is_not_found(twilio: TwilioStandIn) -> None:
    async with asking("GET", f"{twilio.url}{API}/SM{'f' * 32}.json") as response:
        assert (response.status, (await response.json())["code"]) == (404, 20404)


async def test_a_received_text_calls_the_signed_webhook_once(twilio: TwilioStandIn, listener: Listener) -> None:
    listener.status = 503
    url = listener.url + "/sms"
    assert await twilio.receive(PERSON, "hello – 中文 &=+", url=url, media=1) == 503
    listener.status = 200
    sid = twilio.messages[0].sid
    assert await twilio.receive(PERSON, "", url=url, sid=sid, opt_out_type="STOP") == 200
    assert listener.genuine == [True, True]
    assert [form["MessageSid"] for form in listener.forms] == [sid, sid]
    assert (listener.forms[0]["Body"], listener.forms[0]["NumMedia"]) == ("hello – 中文 &=+", "1")
    assert listener.forms[1]["OptOutType"] == "STOP"
    assert len(twilio.messages) == 1


async def test_a_webhook_without_a_response_returns_none(twilio: TwilioStandIn, unused_tcp_port: int) -> None:
    assert await twilio.receive(PERSON, "hello", url=f"http://127.0.0.1:{unused_tcp_port}/") is None


async def test_the_page_lists_messages_and_sends_new_ones(
    twilio: TwilioStandIn, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "supervisor.demo")
    twilio.webhook_url = listener.url
    async with ClientSession() as session:
        async with session.get(twilio.url) as response:
            assert "No text messages yet" in await response.text()
        for sender in (PERSON, PERSON.replace("+", " ")):  # a plus that curl did not escape is read as a space
            data = {"From": sender, "Body": "hello", "NumMedia": "1"}
            async with session.post(twilio.url, data=data) as response:
                assert (response.status, await response.text()) == (200, "the webhook answered 200\n")
        await send(twilio, Body="an answer")
        async with session.get(twilio.url) as response:
            page = await response.text()
    received = [(form["From"], form["Body"], form["NumMedia"]) for form in listener.forms]
    assert received == [(PERSON, "hello", "1")] * 2
    assert page.index(f"from {PERSON}") < page.index("hello") < page.index(f"to {PERSON}") < page.index("an answer")
    assert "an answer" in caplog.text
    assert TOKEN not in caplog.text + page


async def test_the_page_requires_a_sender_and_waits_for_the_webhook(
    twilio: TwilioStandIn, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supervisor.demo.twilio.WEBHOOK_SECONDS", 0.0)  # the wait has no limit
    async with asking("POST", twilio.url, data={"Body": "hello"}) as response:
        assert response.status == 422
    async with asking("POST", twilio.url, data={"From": PERSON, "NumMedia": "many"}) as response:
        assert (response.status, await response.text()) == (422, "NumMedia must be a number from 0 to 10\n")

    async def text() -> int:
        async with asking("POST", twilio.url, data={"From": PERSON, "Body": "hello"}) as response:
            return int(response.status)

    sending = asyncio.create_task(text())
    async with asking("GET", twilio.url) as response:  # by now it has been asked
        assert response.status == 200
    assert not sending.done()
    twilio.webhook_url = listener.url
    assert await sending == 200
    assert [form["Body"] for form in listener.forms] == ["hello"]


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example"}])
async def test_browsers_are_refused(twilio: TwilioStandIn, listener: Listener, headers: dict[str, str]) -> None:
    twilio.webhook_url = listener.url
    async with asking("POST", twilio.url, headers=headers, data={"From": PERSON, "Body": "claude: ..."}) as response:
        assert response.status == 403
    assert listener.forms == []


async def test_a_port_in_use_is_an_error_and_leaves_nothing_open(twilio: TwilioStandIn) -> None:
    port = int(twilio.url.rpartition(":")[2])
    with pytest.raises(OSError):
        async with TwilioStandIn(ACCOUNT, TOKEN, port=port):
            pass


async def test_a_text_to_a_daemon_that_never_gets_ready_is_refused_when_it_ends() -> None:
    twilio = TwilioStandIn(ACCOUNT, TOKEN)

    async def text() -> tuple[int, str]:
        async with asking("POST", twilio.url, data={"From": PERSON, "Body": "hello"}) as response:
            return response.status, await response.text()

    async with twilio:
        sending = asyncio.create_task(text())
        async with asking("GET", twilio.url) as response:  # by now it has been asked
            assert response.status == 200
    assert await sending == (503, "the daemon ended before it was ready\n")
    assert twilio.messages == []
